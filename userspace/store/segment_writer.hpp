// SPDX-License-Identifier: Apache-2.0
// One active segment: runs are appended, committed, and now and then revealed to readers that know
// nothing of us.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <utility>

#include "core/byte_span.hpp"
#include "store/format.hpp"
#include "store/segment_file.hpp"
#include "store/segment_tally.hpp"

namespace caprock::store {

/// Of a run that goes the direct way. Below, the request to the disk costs more than the copy it
/// saves.
inline constexpr std::uint64_t kDirectBytes = 128 << 10;

/// Lane thread, and when nothing comes any more housekeeping's. Points into the ring's mapping; the
/// bytes outlive it. Nothing here fails: where the file does, the fault guard and intact() tell.
class SegmentWriter {
 public:
  /// Activates a blank segment, of which the first and the last page are in memory. `opening`: from
  /// build_opening, for `interfaces` interfaces.
  SegmentWriter(MutableBytes segment, const SegmentFile& file, Bytes opening,
                std::size_t interfaces, std::uint64_t sequence, std::int64_t created_ns);

  /// Bytes of blocks that the next run may have; 0 where not even its head fits.
  std::uint64_t room() const;

  /// A run counts from its commit on.
  void write_run(const RunHead& head, Bytes blocks);
  void commit_run();

  /// Room for a run that goes the direct way; 0 where it would be too short to be worth it, or the
  /// file has no such way.
  std::uint64_t direct_room() const;

  /// Whether a run of so many bytes would be worth the direct way.
  bool direct_worth(std::uint64_t bytes) const;

  /// Whether a run of these blocks goes the direct way. Then it is begun with them, its head's
  /// `bytes` still without the padding. They stay as they are until finish_direct(), after which
  /// the run is committed as above; nothing else may be done with the segment in between.
  bool takes_direct(Bytes blocks) const;
  void start_direct(RunHead head, Bytes blocks);
  void finish_direct();

  /// Keeps room for the statistics of so many more interfaces whose IDBs come as the next run, of
  /// `bytes`. False: there is not enough.
  bool add_interfaces(std::size_t count, std::uint64_t bytes);

  /// The free space behind the frontier becomes several blocks: a foreign reader reads a block
  /// whole and fails where that changes meanwhile, so the one that changes at each reveal is short.
  /// One that a run would reach beyond grows before it is begun.
  void reveal();

  /// The same when nothing comes any more but the foot: one block.
  void reveal_last();

  /// Everything before `end` is on disk: the synced frontier. Nothing while a direct run is on its
  /// way.
  void mark_durable(std::uint64_t end);

  /// Whether the segment still is what it was opened as: where somebody truncated the file it has
  /// become blank.
  bool intact() const;

  bool has_runs() const { return frontier_ != first_run_; }

  /// Time of the newest packet or journal entry, 0 while there is none.
  std::int64_t newest_ns() const { return tally_.figures().last_ns; }

  std::uint64_t packets() const { return tally_.figures().packets; }

  /// What was appended adds up to this.
  const SegmentTally& tally() const { return tally_; }

 private:
  SegmentTally open(Bytes opening, std::uint64_t sequence, std::int64_t created_ns);
  void begin_run(const RunHead& head);
  Bytes visible_part(const RunHead& head) const;
  void end_free_space(std::uint64_t bytes);
  void need_pages(std::uint64_t end);
  void store(std::initializer_list<Bytes> parts);
  std::uint64_t padding_before(Bytes blocks) const;
  void touch_free_space();
  void show_one_block();
  void show_runs();
  bool split_free_space();
  bool write_blocks_behind(std::uint64_t end);
  bool write_free_space_end(std::uint64_t begin, std::uint64_t end);
  void reach_free_space(std::uint64_t end);

  MutableBytes segment_;
  SegmentFile file_;
  std::uint64_t resident_;  // pages before this offset are in memory, or were written direct
  std::uint64_t first_run_;
  std::uint64_t frontier_;  // behind the last committed run
  std::uint64_t revealed_;  // where the free-space block stands
  std::uint64_t free_end_;  // of that block; the segment's end: there is no other
  std::uint64_t write_;     // behind the last byte written
  std::uint64_t durable_ = 0;
  Bytes in_flight_;      // whole pages on their direct way to `write_`
  Bytes behind_flight_;  // the run's last bytes, to come behind them
  std::uint64_t limit_;  // of runs: behind it are ISBs, foot and free space
  SegmentTally tally_;   // last: open() needs the others
};

}  // namespace caprock::store
