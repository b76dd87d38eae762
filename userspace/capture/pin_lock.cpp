// SPDX-License-Identifier: Apache-2.0
#include "capture/pin_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "capture/pins.hpp"
#include "core/clock.hpp"

namespace caprock::capture {
namespace {

constexpr std::chrono::milliseconds kLookInterval{5};

/// An agent that ends removes the directory: then it is another one that stands there.
bool stands_at(int fd, const std::filesystem::path& path) {
  struct stat held {};
  struct stat found {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &found) == 0 &&
         held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

}  // namespace

Result<PinLock> PinLock::acquire(const std::filesystem::path& directory, Nanoseconds wait) {
  const std::int64_t deadline_ns = monotonic_ns() + wait.count();
  for (;;) {
    if (auto made = make_pin_directory(directory); !made) return std::move(made).error();
    Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      if (stands_at(fd.get(), directory)) return PinLock(std::move(fd));
      continue;
    }
    if (errno != EWOULDBLOCK && errno != ENOENT)
      return Error::from_errno(fmt::format("cannot lock {}", directory.native()));
    if (monotonic_ns() >= deadline_ns) break;
    std::this_thread::sleep_for(kLookInterval);
  }
  return Error(
      fmt::format("another agent has its programs in {} already: stop it, or give this one another "
                  "agent.pinDir",
                  directory.native()));
}

}  // namespace caprock::capture
