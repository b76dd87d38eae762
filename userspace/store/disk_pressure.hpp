// SPDX-License-Identifier: Apache-2.0
// What flusher and lanes tell each other of a disk that keeps a direct write waiting.
#pragma once

#include <atomic>
#include <cstdint>

namespace caprock::store {

/// A direct write that waits holds the memory it is written from, which is what the lane's source
/// has for the packets to come. While one of these is set, lanes copy into the page cache instead
/// (docs/adr/0002-append.md).
struct DiskPressure {
  /// The flusher is in a sync, or about to be. A disk that empties its cache takes nothing else
  /// meanwhile.
  std::atomic<bool> syncing{false};

  /// Set by a lane whose source fills: there is a backlog in the page cache, and a direct write
  /// would wait behind it. Cleared by the flusher after a short sync, and when no source has filled
  /// for a while.
  std::atomic<bool> behind{false};
  std::atomic<std::int64_t> filled_ns{0};  // monotonic: when a lane said so last

  bool any() const {
    return syncing.load(std::memory_order_relaxed) || behind.load(std::memory_order_relaxed);
  }
};

}  // namespace caprock::store
