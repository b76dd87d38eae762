// SPDX-License-Identifier: Apache-2.0
// The append side of the circular file for one lane.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/interface_list.hpp"
#include "core/packet_batch.hpp"
#include "core/result.hpp"

namespace caprock::store {

class Ring;

/// Appends runs to the lane's active segment and moves on to the next one when it is full. Owned by
/// the Ring, used by one lane thread only. The append path does no locking and no allocation except
/// at a change of segment, and enters the kernel only per run: for a direct write, and for pages
/// that are not in memory.
class LaneWriter {
 public:
  virtual ~LaneWriter() = default;

  /// Where the blocks of most batches will lie: spares the kernel work at each direct write.
  virtual void pin(std::span<const Bytes> memory) = 0;

  /// Whether a run of so many bytes had better stay with its source for now: the disk takes nothing
  /// while it syncs, so it would be copied.
  virtual bool holds_back(std::uint64_t bytes) const = 0;

  /// Begins to put the batch into the file as one run (more where a segment ends in it), in order.
  /// True: some of it is on its way, and its bytes stay as they are until settle(). Everything
  /// else that is done here waits for that first.
  virtual bool append(const PacketBatch& batch) = 0;

  /// Waits until the last batch is in the file, commits it, and returns the source position up to
  /// which everything is committed: the caller may consume that far. Less than the whole batch
  /// while no prepared segment is there (housekeeping is behind, or the disk fails: then the log
  /// and the status say why); come back with the rest.
  virtual std::uint64_t settle() = 0;

  /// Makes `list` the interfaces of the segments to come. Where it only adds to the present one, or
  /// names what is blank there, the active segment is told by a run; where it changes a name, a new
  /// segment starts.
  /// When this returns, blocks with the new ids may be appended.
  virtual void set_interfaces(SharedInterfaceList list) = 0;

  /// Appends blocks of the control side (journal entries) as one run. False: there is no segment
  /// for them.
  virtual bool append_control(Bytes blocks) = 0;

  /// Packets that this lane has put into the file since the ring was opened.
  virtual std::uint64_t packets() const = 0;

  /// A new relation of wall to monotonic time: starts a new segment and clock generation.
  virtual void set_wall_offset(std::int64_t wall_offset_ns) = 0;

  /// Lets readers that know nothing of us see everything up to the frontier. Call once a second,
  /// best when nothing is on its way.
  virtual void reveal() = 0;

  /// Everything before this wall time that this lane's sources held is committed.
  virtual void set_complete_until(std::int64_t wall_ns) = 0;
};

}  // namespace caprock::store
