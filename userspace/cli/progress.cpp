// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "core/quantity.hpp"

namespace caprock::cli {
namespace {

constexpr auto kSilence = std::chrono::seconds(1);
constexpr auto kInterval = std::chrono::milliseconds(250);

}  // namespace

Progress::Progress()
    : terminal_(::isatty(STDERR_FILENO) == 1), begin_(Clock::now()), next_(begin_ + kSilence) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void Progress::add(std::uint64_t bytes) {
  bytes_ += bytes;
  const auto now = Clock::now();
  if (!terminal_ || now < next_) return;
  const auto seconds = std::chrono::duration<double>(now - begin_).count();
  fmt::print(stderr, "\r\033[K{}, {}/s", format_size(bytes_),
             format_size(static_cast<std::uint64_t>(static_cast<double>(bytes_) / seconds)));
  shown_ = true;
  next_ = now + kInterval;
}

}  // namespace caprock::cli
