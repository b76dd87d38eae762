// SPDX-License-Identifier: Apache-2.0
// Reading one segment's bytes: its head, its frontier, its foot, its runs. A writer may be at work
// on them: everything is checked against the bytes given, and nothing is read twice where it
// matters.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/byte_span.hpp"
#include "core/packet_batch.hpp"
#include "core/result.hpp"
#include "store/format.hpp"

namespace caprock::store {

/// Whether the segment holds no record: zeros, or blank, as it is made ready for its next use.
bool is_unused(Bytes segment);

/// Whether nothing stands there at all: it is unused, and was never made blank either.
bool is_zero(Bytes segment);

/// The segment's head, if it is one of ours, whole, and of these bytes' size; else what is wrong
/// with it.
Result<SegmentHead> read_head(Bytes segment);

/// Whether the segment is in its use `sequence`. Ordered behind every read before it: where it was
/// so before them and is so now, what they read was of that use.
bool is_in_use(Bytes segment, std::uint64_t sequence);

/// Offset behind the last committed run; what lies before it is visible to the caller. 0 if it is
/// impossible.
std::uint64_t frontier(Bytes segment);

/// Where the head says that the foot stands; 0 until the segment is sealed. Not checked.
std::uint64_t foot_offset(Bytes segment);

/// The foot of a sealed segment of this sequence; nothing if there is none or it cannot be.
std::optional<SegmentFoot> read_foot(Bytes segment, std::uint64_t sequence);

/// Offset behind the interface descriptions in front of the first run, `end` at most.
std::uint64_t first_run_offset(Bytes segment, std::uint64_t end);

struct Run {
  SourceId source;
  std::uint64_t position = 0;      // of the source, at the first byte
  std::uint64_t end_position = 0;  // and behind the last
  std::int64_t first_ns = 0;       // wall time of the first block that has one, 0 if none has
  std::uint64_t offset = 0;        // in the segment, of the run head
  std::uint64_t begin = 0;         // of the first block
  std::uint64_t end = 0;           // behind the last
};

/// Hops from run head to run head, from `offset` (where one stands) to `end`.
class RunCursor {
 public:
  RunCursor(Bytes segment, std::uint64_t offset, std::uint64_t end)
      : segment_(segment), offset_(offset), end_(end) {}

  /// The next run; nothing at the end and at a place where no run head stands.
  std::optional<Run> next();

  /// Where the next run starts, or the place that could not be read.
  std::uint64_t offset() const { return offset_; }
  bool damaged() const { return damaged_; }

 private:
  Bytes segment_;
  std::uint64_t offset_;
  std::uint64_t end_;
  bool damaged_ = false;
};

}  // namespace caprock::store
