// SPDX-License-Identifier: Apache-2.0
// Sealing: statistics and checksum behind the last run of a segment.
#pragma once

#include <cstdint>

#include "core/byte_span.hpp"
#include "store/format.hpp"
#include "store/segment_tally.hpp"

namespace caprock::store {

/// What a lane recorded in all its sealed segments since the ring was made.
struct LaneTotals {
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t sequence = 0;  // of its last sealed segment

  static LaneTotals after(const SegmentFoot& foot);
};

/// Writes ISBs, foot and free space behind the frontier, and publishes the foot. `tally`: of
/// everything before the frontier. `sealed_at`: the ring's next sequence. The runs are revealed,
/// and no lane writes to the segment any more. Any thread.
SegmentFoot seal_segment(MutableBytes segment, const SegmentTally& tally, const LaneTotals& before,
                         std::uint64_t sealed_at);

/// The times between which a segment's record lies.
struct RecordSpan {
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;
};

/// Of a sealed segment; without packets it is the moment of its activation.
RecordSpan record_span(const SegmentHead& head, const SegmentFoot& foot);

}  // namespace caprock::store
