// SPDX-License-Identifier: Apache-2.0
// Notices steps of the wall clock.
#pragma once

#include <functional>

#include <boost/asio/awaitable.hpp>

namespace caprock::agent {

/// Calls `on_step` each time somebody sets the clock, be it to the time that it shows. Slewing
/// moves the monotonic clock alike and is no step. Ends only by cancellation. Control-plane thread.
boost::asio::awaitable<void> watch_clock(std::function<void()> on_step);

}  // namespace caprock::agent
