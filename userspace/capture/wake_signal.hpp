// SPDX-License-Identifier: Apache-2.0
// How the programs of one CPU call for the lane's attention: a small BPF ring buffer whose records
// say nothing.
#pragma once

#include <optional>
#include <utility>

#include "capture/ring_buffer_map.hpp"

namespace caprock::capture {

/// Readable by poll from a signal until clear(). Default-constructed: there is none. Lane thread.
class WakeSignal {
 public:
  WakeSignal() = default;
  explicit WakeSignal(RingBufferMap ring) : ring_(std::move(ring)) {}

  int fd() const { return ring_ ? ring_->fd() : -1; }

  /// Takes all signals sent so far.
  void clear();

 private:
  std::optional<RingBufferMap> ring_;
};

}  // namespace caprock::capture
