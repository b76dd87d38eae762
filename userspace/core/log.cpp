// SPDX-License-Identifier: Apache-2.0
#include "core/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "core/clock.hpp"

namespace caprock {
namespace {

constexpr std::size_t kMaxDistinctErrors = 64;
constexpr std::string_view kOtherErrors = "further errors of other kinds";

std::atomic<LogLevel> threshold{LogLevel::kInfo};

struct DistinctErrors {
  std::mutex mutex;
  std::vector<DistinctError> list;
};

DistinctErrors& distinct_errors() {
  static DistinctErrors errors;
  return errors;
}

bool is_power_of_ten(std::uint64_t n) {
  while (n % 10 == 0 && n > 1) n /= 10;
  return n == 1;
}

DistinctError& find_or_add(std::vector<DistinctError>& list, std::string_view message) {
  const auto has = [](std::string_view wanted) {
    return [wanted](const DistinctError& error) { return error.message == wanted; };
  };
  if (auto it = std::find_if(list.begin(), list.end(), has(message)); it != list.end()) return *it;
  if (list.size() < kMaxDistinctErrors) return list.emplace_back(DistinctError{std::string(message)});
  if (auto it = std::find_if(list.begin(), list.end(), has(kOtherErrors)); it != list.end()) return *it;
  return list.emplace_back(DistinctError{std::string(kOtherErrors)});
}

}  // namespace

void set_log_level(LogLevel level) { threshold = level; }

void log(LogLevel level, std::string_view line) {
  if (level > threshold.load(std::memory_order_relaxed)) return;
  static const bool under_systemd = std::getenv("JOURNAL_STREAM") != nullptr;
  const std::string text = under_systemd ? fmt::format("<{}>{}\n", static_cast<int>(level), line)
                                         : fmt::format("caprock: {}\n", line);
  // One write per line keeps lines of several threads apart; a log that cannot be written is nobody's to tell.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

void report_error(std::string_view message) {
  auto& errors = distinct_errors();
  std::uint64_t count = 0;
  {
    const std::lock_guard lock(errors.mutex);
    DistinctError& error = find_or_add(errors.list, message);
    error.last_ns = wall_ns();
    if (error.count == 0) error.first_ns = error.last_ns;
    count = ++error.count;
  }
  if (count == 1) {
    log_error(message);
  } else if (is_power_of_ten(count)) {
    log_error(fmt::format("{} ({} times)", message, count));
  }
}

std::vector<DistinctError> reported_errors() {
  auto& errors = distinct_errors();
  const std::lock_guard lock(errors.mutex);
  std::vector<DistinctError> list = errors.list;
  std::sort(list.begin(), list.end(),
            [](const DistinctError& a, const DistinctError& b) { return a.last_ns > b.last_ns; });
  return list;
}

}  // namespace caprock
