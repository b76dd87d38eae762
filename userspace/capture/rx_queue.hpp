// SPDX-License-Identifier: Apache-2.0
// The rings of an AF_XDP socket and the memory that they are about.
#pragma once

#include <xdp/xsk.h>

#include <cstdint>

#include "core/byte_span.hpp"

namespace caprock::capture {

/// One receive queue of a mirror port. Its memory is frames of MIRROR_FRAME_BYTES, all of which
/// were given to the kernel at first. The ring of received packets has room for all of them, that
/// of free frames for twice as many: the kernel shows packets before it clears the places from
/// which it took their frames, so that each of these may be given back while it still seems to be
/// there. One lane thread.
class RxQueue {
 public:
  virtual ~RxQueue() = default;

  /// Of the ring of free frames.
  static constexpr std::uint32_t places_for(std::uint32_t frames) { return 2 * frames; }

  virtual MutableBytes memory() const = 0;
  virtual xsk_ring_cons& received() = 0;
  virtual const xsk_ring_cons& received() const = 0;
  virtual xsk_ring_prod& free_frames() = 0;

  /// Packets that were redirected here and not received, since the queue was opened.
  virtual std::uint64_t lost() const = 0;

  /// To be called when frames were given back: a driver may have run out of them and wait.
  virtual void wake_driver() = 0;

  /// Takes from the NIC what has come, where its queue is busy polled. False: interrupts do that.
  virtual bool poll_driver() = 0;
};

}  // namespace caprock::capture
