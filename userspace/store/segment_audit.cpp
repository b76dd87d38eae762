// SPDX-License-Identifier: Apache-2.0
#include "store/segment_audit.hpp"

#include <algorithm>

#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

/// The latest that was seen of a source.
struct SourceTrack {
  SourceId source;
  std::uint64_t end_position = 0;
  std::int64_t last_ns = INT64_MIN;
};

class Walk {
 public:
  Walk(Bytes segment, const SegmentHead& head) : segment_(segment), sequence_(head.sequence) {}

  SegmentAudit run() {
    const std::uint64_t runs_end = frontier(segment_);
    if (runs_end == 0) {
      audit_.fail(kSegmentHeadOffset, "its frontier is impossible");
      return finish(std::nullopt);
    }
    const std::uint64_t first_run = first_run_offset(segment_, runs_end);
    check_blocks(0, first_run);
    check_runs(first_run, runs_end);
    if (foot_offset(segment_) == 0) return finish(std::nullopt);
    const auto foot = read_foot(segment_, sequence_);
    if (foot) check_close(runs_end, *foot);
    if (!foot)
      audit_.fail(kSegmentHeadOffset, "it is sealed, but no foot stands where the head says");
    return finish(foot);
  }

 private:
  SegmentAudit finish(std::optional<SegmentFoot> foot) const {
    return {audit_.figures(), foot, audit_.faults()};
  }

  void check_blocks(std::uint64_t begin, std::uint64_t end) {
    pcapng::BlockCursor cursor(segment_.first(end), begin);
    std::uint64_t offset = begin;
    while (const auto block = cursor.next()) {
      audit_.check(*block, offset);
      offset = cursor.offset();
    }
    if (cursor.fault()) audit_.fail(cursor.fault()->offset, cursor.fault()->what);
  }

  void check_runs(std::uint64_t begin, std::uint64_t end) {
    RunCursor runs(segment_, begin, end);
    while (const auto run = runs.next()) {
      audit_.enter(run->source);
      check_blocks(run->begin, run->end);
      check_order(*run);
    }
    if (runs.damaged())
      audit_.fail(runs.offset(), "no run stands here: the rest of the record cannot be read");
  }

  SourceTrack& track_of(const SourceId& source) {
    const auto found = std::ranges::find(tracks_, source, &SourceTrack::source);
    if (found != tracks_.end()) return *found;
    return tracks_.emplace_back(SourceTrack{.source = source});
  }

  void check_order(const Run& run) {
    SourceTrack& track = track_of(run.source);
    if (run.position < track.end_position || run.end_position < run.position) {
      audit_.fail(run.offset, "the run's positions do not follow those of its source's run before");
    }
    track.end_position = run.end_position;
    std::int64_t first_ns = 0;
    pcapng::BlockCursor cursor(segment_.first(run.end), run.begin);
    while (const auto block = cursor.next()) {
      const auto time_ns = pcapng::block_time_ns(*block);
      if (!time_ns) continue;
      if (first_ns == 0) first_ns = *time_ns;
      if (*time_ns < track.last_ns)
        return audit_.fail(run.offset, "the run's source goes back in time");
      track.last_ns = *time_ns;
    }
    if (run.first_ns != first_ns)
      audit_.fail(run.offset, "the run's head tells another first time than its blocks");
  }

  /// What stands behind the last run of a sealed segment.
  void check_close(std::uint64_t runs_end, const SegmentFoot& foot) {
    const std::uint64_t at = foot_offset(segment_);
    if (runs_end > at) return audit_.fail(at, "the foot stands before the frontier");
    check_blocks(runs_end, segment_.size());
    audit_.check_all_have_statistics(at);
    if (segment_checksum(segment_, at) != foot.crc32c)
      audit_.fail(at, "the checksum (CRC-32C) is wrong");
    const PacketFigures& figures = audit_.figures();
    if (foot.packets != figures.packets || foot.captured_bytes != figures.captured_bytes ||
        foot.original_bytes != figures.original_bytes || foot.dropped != figures.dropped) {
      audit_.fail(at, "the foot's counts differ from the packets");
    }
    if (foot.first_ns != figures.first_ns || foot.last_ns != figures.last_ns) {
      audit_.fail(at, "the foot's times differ from the packets");
    }
  }

  Bytes segment_;
  std::uint64_t sequence_;
  BlockAudit audit_{true};
  std::vector<SourceTrack> tracks_;
};

}  // namespace

SegmentAudit audit_segment(Bytes segment, const SegmentHead& head) {
  return Walk(segment, head).run();
}

}  // namespace caprock::store
