// SPDX-License-Identifier: Apache-2.0
// The timed blocks (packets, journal entries) of one source in one segment, in the order of
// recording.
#pragma once

#include <cstdint>
#include <optional>

#include "pcapng/reader.hpp"
#include "store/run_reader.hpp"
#include "store/segment_view.hpp"

namespace caprock::store {

/// Stands on a block, or at the end of what is committed. Blocks without a time are passed over.
/// The view must outlive it.
class SourceCursor {
 public:
  /// `first`: the source's first run in the segment. Blocks before `from_ns` are passed over, where
  /// possible run by run.
  SourceCursor(const RingView& view, const SegmentInfo& segment, const Run& first,
               std::int64_t from_ns);

  bool at_end() const { return !block_; }
  const SourceId& source() const { return run_.source; }
  std::int64_t time_ns() const { return time_ns_; }

  /// The block, going on to the next one. Its bytes are valid until the next call.
  pcapng::Block take();

  /// The block and those right behind it, all timed and before `limit_ns`; goes on to the one
  /// behind them. Valid until the next call.
  Bytes take_stretch(std::int64_t limit_ns);

  /// More runs were committed.
  void extend(std::uint64_t runs_end);

  /// The first place, in the segment, where a block could not be read: the rest of its run is left
  /// out.
  const std::optional<pcapng::Fault>& fault() const { return blocks_.fault(); }

  /// The segment was reused or cannot be read: there is no more of it.
  bool lost() const { return blocks_.lost(); }

 private:
  std::optional<Run> following_run() const;
  void skip_old_runs();
  bool next_in_run();
  void enter(const Run& run);
  void advance();

  Bytes segment_;
  std::uint64_t runs_end_;
  std::int64_t from_ns_;
  Run run_;
  RunReader blocks_;
  std::optional<pcapng::Block> block_;
  std::int64_t time_ns_ = 0;
};

}  // namespace caprock::store
