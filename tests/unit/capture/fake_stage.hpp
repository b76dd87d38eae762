// SPDX-License-Identifier: Apache-2.0
// Ordinary memory in the shape of one CPU's stage, with the programs' side of the protocol
// (bpf/abi/stage.h).
#pragma once

#include <algorithm>
#include <vector>

#include "capture/shared_position.hpp"
#include "capture/stage_source.hpp"

namespace caprock::capture {

class FakeStage {
 public:
  static constexpr unsigned kShift = 12;
  static constexpr std::uint64_t kSegmentBytes = 1u << kShift;
  static constexpr unsigned kSegments = 4;

  StageView view() {
    return {.segments = memory_, .segment_shift = kShift, .head = &head_, .tail = &tail_};
  }

  /// Writes and publishes a block of `bytes` (a multiple of 8) that holds `value` in each 8 bytes;
  /// false when full.
  bool put(std::uint64_t bytes, std::uint64_t value) {
    std::uint64_t position = position_;
    if (offset(position) + bytes + STAGE_END_BYTES > kSegmentBytes) {
      position = ((position >> kShift) + 1) << kShift;
      if (!may_write(position)) return false;
      caprock::put(segment(position_), kSegmentBytes - STAGE_END_BYTES, offset(position_));
    }
    for (std::uint64_t i = 0; i < bytes; i += 8)
      caprock::put(segment(position), offset(position) + i, value);
    position_ = position + bytes;
    store_release(head_.position, position_);
    return true;
  }

  std::uint64_t tail() const { return load_acquire(tail_.position); }

 private:
  static std::uint64_t offset(std::uint64_t position) { return position & (kSegmentBytes - 1); }
  bool may_write(std::uint64_t position) const {
    return (position >> kShift) - (tail() >> kShift) < kSegments;
  }
  MutableBytes segment(std::uint64_t position) {
    return MutableBytes(memory_).subspan((position >> kShift & (kSegments - 1)) * kSegmentBytes,
                                         kSegmentBytes);
  }

  std::vector<std::byte> memory_ = std::vector<std::byte>(kSegments * kSegmentBytes);
  stage_head head_{};
  stage_tail tail_{};
  std::uint64_t position_ = 0;
};

}  // namespace caprock::capture
