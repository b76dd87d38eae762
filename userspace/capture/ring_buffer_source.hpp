// SPDX-License-Identifier: Apache-2.0
// The packet source over a CPU's BPF ring buffer: each record starts with one finished block.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/packet_source.hpp"
#include "capture/ring_buffer_map.hpp"
#include "capture/wake_signal.hpp"

namespace caprock::capture {

/// Batches have one piece per record. Positions are the ring's own; a piece ends behind its record,
/// which may be longer than its block.
class RingBufferSource final : public PacketSource {
 public:
  static constexpr std::size_t kMaxPieces = 1024;  // of a batch

  /// `memory` keeps the view's memory mapped; tests that own it pass nothing.
  RingBufferSource(SourceId id, RingBufferView view, WakeSignal wake = {},
                   std::shared_ptr<const void> memory = nullptr);

  PacketBatch peek() override;
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t position) override;
  void resume(std::uint64_t position) override;
  int wake_fd() const override { return wake_.fd(); }
  void clear_wake() override { wake_.clear(); }
  std::uint64_t used_bytes() const override;
  std::uint64_t capacity_bytes() const override { return view_.bytes; }

 private:
  SourceId id_;
  RingBufferView view_;
  WakeSignal wake_;
  std::shared_ptr<const void> memory_;
  std::uint64_t position_;
  std::vector<BlockPiece> pieces_;
};

}  // namespace caprock::capture
