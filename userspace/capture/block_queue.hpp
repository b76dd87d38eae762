// SPDX-License-Identifier: Apache-2.0
// Finished blocks of the agent's own making, on their way to a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "capture/packet_source.hpp"

namespace caprock::capture {

/// Filled by one thread, emptied by a lane.
class BlockQueue final : public PacketSource {
 public:
  /// What happened before `complete_ns` (monotonic) is put by then or never.
  BlockQueue(SourceId id, std::int64_t complete_ns) : id_(id), complete_ns_(complete_ns) {}

  /// Appends blocks, in order.
  void put(std::vector<std::byte> blocks);

  /// All until then have been put. INT64_MAX: whatever is told is put at once, so that the lane may
  /// go by its own clock.
  void set_complete(std::int64_t monotonic_ns);

  /// Whether the lane is so far behind that more had better wait.
  bool full() const;

  PacketBatch peek() override;
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t position) override;
  void resume(std::uint64_t) override {}  // nothing waits that an agent before left
  int wake_fd() const override { return -1; }
  void clear_wake() override {}
  std::int64_t complete_ns() const override;
  std::uint64_t used_bytes() const override;
  std::uint64_t capacity_bytes() const override;

 private:
  struct Chunk {
    std::vector<std::byte> blocks;
    std::uint64_t end_position;
  };

  SourceId id_;
  mutable std::mutex mutex_;
  std::deque<Chunk> chunks_;
  std::uint64_t position_ = 0;  // of the first byte that is not consumed
  std::uint64_t end_ = 0;       // behind the last one
  std::int64_t complete_ns_;
  std::vector<BlockPiece> pieces_;  // of the last batch
};

}  // namespace caprock::capture
