// SPDX-License-Identifier: Apache-2.0
// Wakes a background thread that otherwise sleeps until a time.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <chrono>
#include <cstdint>

#include "core/fd.hpp"

namespace caprock::store {

/// notify(): any thread. wait(): one thread. A notification between two waits is not lost.
class WakeSignal {
 public:
  WakeSignal() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  void notify() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
  }

  void wait(std::chrono::milliseconds at_most) {
    pollfd poll_fd{fd_.get(), POLLIN, 0};
    poll(&poll_fd, 1, static_cast<int>(at_most.count()));
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &count, sizeof count);
  }

 private:
  Fd fd_;
};

}  // namespace caprock::store
