// SPDX-License-Identifier: Apache-2.0
// What a lane and the threads behind it hand each other without waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "store/segment_writer.hpp"
#include "store/spsc_queue.hpp"

namespace caprock::store {

/// A blank segment, its first and its last page in memory, and the sequence it takes when it
/// becomes active.
struct PreparedSegment {
  std::uint32_t index = 0;
  std::uint64_t sequence = 0;
};

enum class Retirement : std::uint8_t {
  kFull,    // holds runs: to be sealed
  kUnused,  // was activated, but no run came
  kLost,    // its pages failed
};

struct RetiredSegment {
  std::uint32_t index = 0;
  Retirement why = Retirement::kFull;
  std::unique_ptr<SegmentWriter> writer;
};

/// As many as are prepared ahead for a lane at the most; so at most one more can be on its way
/// back.
inline constexpr std::size_t kMaxPrepared = 4;

struct LaneExchange {
  SpscQueue<PreparedSegment, kMaxPrepared> prepared;    // housekeeping → lane
  SpscQueue<RetiredSegment, 2 * kMaxPrepared> retired;  // lane → housekeeping
  std::atomic<bool> roll_requested{
      false};  // housekeeping: the active segment spans too much history

  /// From the flusher: so far the active segment is durable, if it is still that sequence. The lane
  /// writes it into the head, since nobody else may store into a segment while a direct write into
  /// it is on its way: where a foreign reader has brought both into one large folio of the page
  /// cache, the store would make the kernel write the old bytes of all of it over the new ones.
  /// (Folios are taken not to reach beyond a segment: read-ahead would have to be set to 2 MiB, and
  /// segments be of 1.)
  std::atomic<std::uint64_t> durable_end{0};
  std::atomic<std::uint64_t> durable_sequence{0};  // stored behind durable_end

  // Written by the lane, read by the flusher and for the status.
  std::atomic<bool> writes_direct{false};        // such a write is on its way
  std::atomic<std::uint64_t> sequence{0};        // of the active segment, 0: none
  std::atomic<std::int64_t> active_since_ns{0};  // wall time; 0: none
  std::atomic<std::uint64_t> runs{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::int64_t> complete_until_ns{0};
  std::atomic<std::int64_t> complete_until_monotonic_ns{0};
  std::atomic<std::int64_t> wall_offset_ns{0};
  std::atomic<std::int64_t> newest_ns{
      0};  // wall time of the newest packet or journal entry; 0: none yet
};

}  // namespace caprock::store
