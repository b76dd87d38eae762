// SPDX-License-Identifier: Apache-2.0
// Notices steps of the wall clock.
#pragma once

#include <cstdint>
#include <functional>

#include <boost/asio/awaitable.hpp>

namespace caprock::agent {

/// Calls `on_step` with the new wall offset (core/clock.hpp) each time somebody sets the clock.
/// Slewing moves the monotonic clock alike and is no step. Ends only by cancellation. Control-plane
/// thread.
boost::asio::awaitable<void> watch_clock(std::function<void(std::int64_t wall_offset_ns)> on_step);

}  // namespace caprock::agent
