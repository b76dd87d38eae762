// SPDX-License-Identifier: Apache-2.0
// Events as finished blocks, on their way to a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "capture/packet_source.hpp"

namespace caprock::insight {

/// Filled by one thread, emptied by a lane. What the kernel has and nobody has made blocks of yet
/// counts as waiting: until it is there, the record is not complete.
class EventSource final : public capture::PacketSource {
 public:
  /// `kernel`: where the events come from; outlives this one's lane.
  EventSource(SourceId id, const capture::PacketSource& kernel) : id_(id), kernel_(kernel) {}

  /// Appends blocks, in order. Call before they are consumed in the kernel's queue.
  void put(std::vector<std::byte> blocks);

  /// Whether the lane is so far behind that more had better wait in the kernel.
  bool full() const;

  PacketBatch peek() override;
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t position) override;
  void resume(std::uint64_t) override {}  // nothing waits that an agent before left
  int wake_fd() const override { return -1; }
  void clear_wake() override {}
  std::uint64_t used_bytes() const override;
  std::uint64_t capacity_bytes() const override;

 private:
  struct Chunk {
    std::vector<std::byte> blocks;
    std::uint64_t end_position;
  };

  std::uint64_t queued_bytes() const;

  SourceId id_;
  const capture::PacketSource& kernel_;
  mutable std::mutex mutex_;
  std::deque<Chunk> chunks_;
  std::uint64_t position_ = 0;      // of the first byte that is not consumed
  std::uint64_t end_ = 0;           // behind the last one
  std::vector<BlockPiece> pieces_;  // of the last batch
};

}  // namespace caprock::insight
