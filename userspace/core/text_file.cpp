// SPDX-License-Identifier: Apache-2.0
#include "core/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "core/fd.hpp"

namespace caprock {
namespace {

constexpr std::string_view kUnreadable = "cannot be read";
constexpr mode_t kOwnersAlone = 0600;

Status check_regular(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::from_errno(kUnreadable);
  if (S_ISREG(info.st_mode)) return {};
  return Error(fmt::format("{}: it is {}; give a regular file", kUnreadable,
                           S_ISDIR(info.st_mode) ? "a directory" : "not a regular file"));
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno("cannot be written");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_text(const std::filesystem::path& file, std::size_t limit) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return Error::from_errno(kUnreadable);
  if (const Status regular = check_regular(fd.get()); !regular) return regular.error();
  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(kUnreadable);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > limit)
      return Error(fmt::format("{}: it is longer than {} bytes", kUnreadable, limit));
  }
}

Status replace_text(const std::filesystem::path& file, std::string_view text) {
  const std::filesystem::path fresh = file.string() + ".new";
  const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnersAlone));
  if (!fd) return Error::from_errno(fresh.string());
  if (auto written = write_all(fd.get(), text); !written)
    return std::move(written).error().context(fresh.string());
  if (std::rename(fresh.c_str(), file.c_str()) != 0) return Error::from_errno(file.string());
  return {};
}

}  // namespace caprock
