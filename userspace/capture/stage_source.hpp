// SPDX-License-Identifier: Apache-2.0
// The packet source over the stage (bpf/abi/stage.h).
#pragma once

#include <cstdint>
#include <memory>

#include "abi/stage.h"

#include "capture/packet_source.hpp"
#include "capture/wake_signal.hpp"

namespace caprock::capture {

/// One CPU's part of the stage maps.
struct StageView {
  Bytes segments;  // all of the CPU's, a power of two of them
  unsigned segment_shift = 0;
  const stage_head* head = nullptr;
  stage_tail* tail = nullptr;
};

/// Batches have one piece: everything between tail and head, or up to the end of the tail's segment
/// when it is closed.
class StageSource final : public PacketSource {
 public:
  /// `memory` keeps the view's memory mapped; tests that own it pass nothing.
  StageSource(SourceId id, StageView view, WakeSignal wake = {},
              std::shared_ptr<const void> memory = nullptr);

  PacketBatch peek() override;
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t position) override;
  void resume(std::uint64_t position) override;
  Bytes memory() const override { return view_.segments; }
  int wake_fd() const override { return wake_.fd(); }
  void clear_wake() override { wake_.clear(); }
  std::uint64_t used_bytes() const override;
  std::uint64_t capacity_bytes() const override { return view_.segments.size(); }

 private:
  std::uint64_t head() const;
  std::uint64_t segment_number(std::uint64_t position) const {
    return position >> view_.segment_shift;
  }
  Bytes segment(std::uint64_t position) const;
  std::uint64_t end_of_closed_segment(std::uint64_t position) const;
  std::uint64_t leave_closed_segment(std::uint64_t position, std::uint64_t head) const;

  SourceId id_;
  StageView view_;
  WakeSignal wake_;
  std::shared_ptr<const void> memory_;
  std::uint64_t position_;  // of the next block to hand out; the published tail may still be at the
                            // end of the segment before
  BlockPiece piece_;
};

}  // namespace caprock::capture
