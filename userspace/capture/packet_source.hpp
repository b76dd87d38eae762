// SPDX-License-Identifier: Apache-2.0
// A queue of finished blocks between the kernel and a lane.
#pragma once

#include <cstdint>

#include "core/packet_batch.hpp"
#include "core/quantity.hpp"

namespace caprock::capture {

/// One CPU's queue. Used by one lane thread only. Does no syscall and no allocation per packet.
class PacketSource {
 public:
  virtual ~PacketSource() = default;

  /// What is ready now, at most up to the end of the current stage segment (so call again until
  /// empty). The bytes stay valid and unchanged until they are consumed.
  virtual PacketBatch peek() = 0;

  virtual const SourceId& id() const = 0;

  /// Gives everything before `position` back to the kernel. `position`: that of the last peeked
  /// batch, its pieces' ends, or a cut inside a piece. One that is behind already changes nothing.
  virtual void consume(std::uint64_t position) = 0;

  /// Before anything was peeked: everything before `position` is in the file already. One that is
  /// not among what waits changes nothing.
  virtual void resume(std::uint64_t position) = 0;

  /// Where the bytes lie. Empty where it is of no use to know.
  virtual Bytes memory() const { return {}; }

  /// A descriptor that becomes readable when the kernel wants the lane's attention, -1 if there is
  /// none.
  virtual int wake_fd() const = 0;

  /// Clears the readiness of wake_fd().
  virtual void clear_wake() = 0;

  /// Without a look at the queue for so long nothing is lost yet, whatever comes; the longest where
  /// the kernel wants attention in time.
  virtual Nanoseconds longest_rest() const { return Nanoseconds::max(); }

  /// Has the kernel put into the queue what has come, where it waits to be told. False: it does not
  /// wait.
  virtual bool drive() { return false; }

  /// Monotonic time up to which everything that happened is in the queue or has been consumed, as
  /// far as the source knows better than the caller's clock. Ask before a look at the queue.
  virtual std::int64_t complete_ns() const { return INT64_MAX; }

  /// Bytes in the queue and its capacity: the lane's lag. Any thread.
  virtual std::uint64_t used_bytes() const = 0;
  virtual std::uint64_t capacity_bytes() const = 0;
};

}  // namespace caprock::capture
