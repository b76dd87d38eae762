// SPDX-License-Identifier: Apache-2.0
#include "store/ring_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "core/clock.hpp"
#include "core/log.hpp"

namespace caprock::store {
namespace {

std::string read_holder(int fd) {
  std::array<char, 16> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t digits = std::min(pid.find_first_not_of("0123456789"), pid.size());
  return digits > 0 ? "process " + pid.substr(0, digits) : "another process";
}

Status write_holder(int fd) {
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return Error::from_errno("write");
  }
  return {};
}

constexpr std::chrono::milliseconds kLookInterval{5};

/// flock(2) with a limit of time. False, with errno: not to be had.
bool lock_within(int fd, const std::filesystem::path& ring, Nanoseconds wait) {
  const std::int64_t deadline_ns = monotonic_ns() + wait.count();
  bool told = false;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || monotonic_ns() >= deadline_ns) return false;
    if (!std::exchange(told, true)) {
      log_info(fmt::format("{} records into {}: waiting up to {} for its end", read_holder(fd),
                           ring.string(), format_duration(wait)));
    }
    std::this_thread::sleep_for(kLookInterval);
  }
  return true;
}

}  // namespace

Result<RingLock> RingLock::acquire(const std::filesystem::path& ring, Nanoseconds wait) {
  const std::string path = std::filesystem::path(ring).replace_extension(".lock");
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    const Error error = Error::from_errno(fmt::format("cannot open the lock file {}", path));
    return Error(error.message() + "; run as root, or give a dataDir that this user may write to");
  }
  if (!lock_within(fd.get(), ring, wait)) {
    if (errno != EWOULDBLOCK) return Error::from_errno(fmt::format("cannot lock {}", path));
    return Error(
        fmt::format("{} records into {} already: stop it, or give this agent another dataDir",
                    read_holder(fd.get()), ring.string()));
  }
  if (auto written = write_holder(fd.get()); !written) {
    return std::move(written).error().context(path);
  }
  return RingLock(std::move(fd));
}

}  // namespace caprock::store
