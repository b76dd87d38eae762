// SPDX-License-Identifier: Apache-2.0
// Notices that the configuration may have changed.
#pragma once

#include <filesystem>
#include <functional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>

namespace caprock::agent {

/// Calls `on_change` after each signal of `hangup` and, when `file` is not empty, once its
/// directory has come to rest after a change there: editors replace files and Kubernetes swaps a
/// symlink two levels up, so the file's own inode tells nothing. Ends only by cancellation.
/// Control-plane thread.
boost::asio::awaitable<void> watch_hangup(boost::asio::signal_set& hangup,
                                          std::function<void()> on_change);
boost::asio::awaitable<void> watch_file(std::filesystem::path file,
                                        std::function<void()> on_change);

}  // namespace caprock::agent
