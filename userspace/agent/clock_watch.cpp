// SPDX-License-Identifier: Apache-2.0
#include "agent/clock_watch.hpp"

#include <sys/timerfd.h>

#include <limits>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/log.hpp"

namespace caprock::agent {
namespace {

// A timer that never expires: the kernel cancels it, readable, when the wall clock is set
// (timerfd_create(2)).
bool arm(int timer) {
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<std::int32_t>::max();
  return timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0;
}

}  // namespace

boost::asio::awaitable<void> watch_clock(std::function<void()> on_step) {
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::posix::stream_descriptor timer(executor);
  const int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0 || !arm(fd)) {
    if (fd >= 0) ::close(fd);
    report_error(
        "steps of the wall clock cannot be noticed: timerfd with TFD_TIMER_CANCEL_ON_SET failed");
    co_return;
  }
  timer.assign(fd);
  for (;;) {
    co_await timer.async_wait(boost::asio::posix::descriptor_base::wait_read,
                              boost::asio::use_awaitable);
    arm(fd);
    on_step();
  }
}

}  // namespace caprock::agent
