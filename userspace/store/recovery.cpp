// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "pcapng/reader.hpp"
#include "store/lane_exchange.hpp"
#include "store/segment_view.hpp"

namespace caprock::store {
namespace {

/// So many segments with the right checksum, from the oldest on, and what lies behind them and the
/// mark is taken for untouched: more than lanes can have had ahead or empty, of which the heads on
/// disk are right.
std::size_t right_in_a_row(std::size_t lanes) {
  return std::max<std::size_t>(8, lanes * (kMaxPrepared + 1) + 1);
}

/// A recorder that was killed may not have consumed its last batch, at most a few MiB: so many of a
/// lane's newest segments are searched for the positions it had reached.
constexpr std::size_t kResumeSegments = 8;

struct Interfaces {
  std::uint64_t end = 0;  // 0: the block there is not whole
  std::size_t count = 0;
};

/// The IDBs in front of the first run.
Interfaces walk_interfaces(Bytes segment, std::uint64_t limit) {
  pcapng::BlockCursor cursor(segment.first(limit), kInterfacesOffset);
  Interfaces interfaces{kInterfacesOffset, 0};
  while (cursor.offset() < limit && !holds_run_head(segment, cursor.offset())) {
    const auto block = cursor.next();
    if (!block || block->type != pcapng::kInterfaceDescription || block->bytes.size() % 8 != 0) {
      return {};
    }
    ++interfaces.count;
    interfaces.end = cursor.offset();
  }
  return interfaces;
}

struct RunContents {
  std::uint64_t bytes = 0;  // of whole blocks
  std::size_t interfaces = 0;
  std::int64_t first_ns = 0;  // as the run's head has it
};

RunContents walk_run(Bytes blocks) {
  pcapng::BlockCursor cursor(blocks);
  RunContents contents;
  while (const auto block = cursor.next()) {
    if (block->bytes.size() % 8 != 0) break;
    if (block->type == pcapng::kInterfaceDescription) ++contents.interfaces;
    if (contents.first_ns == 0) contents.first_ns = pcapng::block_time_ns(*block).value_or(0);
    contents.bytes = cursor.offset();
  }
  return contents;
}

/// Its first word may be hidden.
bool is_run_head(const RunHead& head) {
  return head.trailer_total == sizeof head && head.bytes % 8 == 0;
}

bool is_same_boot(const SegmentHead& head, const BootId& boot_id) {
  return boot_id != BootId{} && std::equal(boot_id.begin(), boot_id.end(), head.boot_id);
}

/// Of a segment of another boot: an open one counts as far as it is known to be synced.
bool counts_whole(const FoundSegment& found) {
  return found.state == FoundState::kSealed ||
         (found.state == FoundState::kOpen && found.head.synced_frontier >= found.head.frontier);
}

/// The foot of a sealed one names the one before it. Of an open one that was never synced nothing
/// counts anyway.
bool follows_whole(const FoundSegment& found, const std::set<std::uint64_t>& whole,
                   const std::set<std::uint32_t>& torn) {
  return found.state == FoundState::kSealed
             ? whole.contains(found.foot.previous_sequence)
             : !torn.contains(found.head.lane) || found.head.synced_frontier == 0;
}

class Recovery {
 public:
  Recovery(RingFile& file, std::vector<FoundSegment> found, const RecoveryContext& context)
      : file_(file), found_(std::move(found)), context_(context) {}

  RecoveredRing run();

 private:
  void drop_beyond(std::uint64_t segments);
  void take_newest_state();
  bool accept(const FoundSegment& found) const;
  std::uint64_t trusted_limit(const SegmentHead& head) const;
  void distrust_unsynced();
  void leave_out(FoundSegment& found);
  void distrust_recycled();
  void collect_totals();
  void seal_open_ones();
  void blank_unused();
  bool seal_open(FoundSegment& found);
  void fill_catalog();
  void collect_resume_positions();
  void collect_resume_positions(const FoundSegment& found);
  std::size_t lanes_found() const;
  LaneTotals& totals_of(std::uint32_t lane);
  void note_damage(FoundSegment& found, std::string_view what);

  RingFile& file_;
  std::vector<FoundSegment> found_;  // by place, then by sequence
  RecoveryContext context_;
  RecoveredRing ring_;
  std::uint64_t last_sequence_ = 0;
  std::set<std::uint64_t> doubtful_;  // sequences of sealed ones whose checksum is wrong
};

RecoveredRing Recovery::run() {
  drop_beyond(file_.geometry().segments);
  std::stable_sort(found_.begin(), found_.end(), [](const FoundSegment& a, const FoundSegment& b) {
    return a.head.sequence < b.head.sequence;
  });
  ring_.totals.resize(context_.lanes);
  for (FoundSegment& found : found_) {
    if (found.state == FoundState::kDamaged) note_damage(found, "its head is damaged");
    if (found.state == FoundState::kUnreadable)
      note_damage(found, "the disk does not give its head");
  }
  take_newest_state();
  distrust_unsynced();
  distrust_recycled();
  collect_totals();
  seal_open_ones();
  blank_unused();
  fill_catalog();
  collect_resume_positions();
  for (const LaneTotals& totals : ring_.totals)
    ring_.report.lane_packets.push_back(totals.packets);
  return std::move(ring_);
}

void Recovery::note_damage(FoundSegment& found, std::string_view what) {
  found.state = FoundState::kDamaged;
  ++ring_.report.damaged;
  ring_.report.notes.push_back(fmt::format("segment {} is skipped: {}", found.index, what));
}

void Recovery::drop_beyond(std::uint64_t segments) {
  const auto kept =
      std::find_if(found_.begin(), found_.end(),
                   [segments](const FoundSegment& found) { return found.index >= segments; });
  ring_.report.dropped =
      static_cast<std::uint64_t>(std::count_if(kept, found_.end(), [](const FoundSegment& found) {
        return found.state == FoundState::kSealed || found.state == FoundState::kOpen;
      }));
  if (ring_.report.dropped != 0) {
    ring_.report.notes.push_back(fmt::format(
        "{} segments were dropped: they lay beyond the smaller storageSize", ring_.report.dropped));
  }
  for (auto it = kept; it != found_.end(); ++it) {
    if (it->state != FoundState::kDamaged && it->state != FoundState::kUnreadable)
      last_sequence_ = std::max(last_sequence_, it->head.sequence);
  }
  found_.erase(kept, found_.end());
}

/// Sequence and clock generation go on from the highest. The newest segment may be of a lane that
/// had not met the last step yet.
void Recovery::take_newest_state() {
  for (const FoundSegment& found : found_) {
    if (found.state != FoundState::kSealed && found.state != FoundState::kOpen) continue;
    last_sequence_ = std::max(last_sequence_, found.head.sequence);
    const bool same_clock = is_same_boot(found.head, context_.boot_id) &&
                            found.head.wall_offset_ns == context_.wall_offset_ns;
    ring_.clock_generation =
        std::max(ring_.clock_generation, found.head.clock_generation + (same_clock ? 0 : 1));
  }
}

void Recovery::leave_out(FoundSegment& found) {
  found.state = FoundState::kUnused;
  ring_.report.notes.push_back(fmt::format(
      "segment {} is left out: what was recorded just before it did not survive the power cut",
      found.index));
}

/// Whether the blocks are those of the foot. Even so its last page may be that of another use of
/// the segment, as a blank one is written at both ends: behind the foot, where the checksum does
/// not reach, it is made free space again.
bool Recovery::accept(const FoundSegment& found) const {
  const MutableBytes segment = file_.segment(found.index);
  if (segment_checksum(segment, found.head.foot) != found.foot.crc32c) return false;
  write_free_space(segment, found.head.foot + sizeof(SegmentFoot));
  return true;
}

/// How far an open segment's bytes count.
std::uint64_t Recovery::trusted_limit(const SegmentHead& head) const {
  const std::uint64_t end = std::min<std::uint64_t>(head.frontier, head.segment_bytes) / 8 * 8;
  const bool whole = is_same_boot(head, context_.boot_id) && !doubtful_.contains(head.sequence);
  return whole ? end : std::min(end, head.synced_frontier / 8 * 8);
}

/// After a power cut the foot of a segment may be on disk and its blocks not, or those of the
/// lane's one before it. In the same boot a disk that failed may have lost them. What counts has no
/// hole: what is not known to be synced to its end counts only where the one before counts whole.
void Recovery::distrust_unsynced() {
  std::set<std::uint64_t> whole{0};  // by sequence
  std::set<std::uint32_t> torn;      // lanes whose newest segment so far does not count whole
  for (FoundSegment& found : found_) {
    const bool sealed = found.state == FoundState::kSealed;
    if (!sealed && found.state != FoundState::kOpen) continue;
    const SegmentHead& head = found.head;
    const bool durable = sealed && head.synced_frontier > head.foot;
    const bool certain = durable || is_same_boot(head, context_.boot_id);
    if (sealed && !durable && !accept(found)) {
      found.state = FoundState::kOpen;
      doubtful_.insert(head.sequence);
    }
    if (!certain && !follows_whole(found, whole, torn)) leave_out(found);
    if (certain || counts_whole(found)) {
      whole.insert(head.sequence);
      torn.erase(head.lane);
    } else {
      torn.insert(head.lane);
    }
  }
}

/// After a power cut the head of a segment may be that of its last use and its blocks already those
/// of the next: new blocks go to disk at once, blank heads with the next sync. That happens only to
/// those that the mark lets be recycled, of which the first may be untouched, when lanes had got no
/// further than to copy. Where there is no mark they are the oldest, as many as are not right.
void Recovery::distrust_recycled() {
  std::vector<FoundSegment*> by_age;
  for (FoundSegment& found : found_) {
    if (found.state == FoundState::kSealed && !is_same_boot(found.head, context_.boot_id))
      by_age.push_back(&found);
  }
  std::stable_sort(by_age.begin(), by_age.end(), [](const FoundSegment* a, const FoundSegment* b) {
    return a->foot.sealed_at < b->foot.sealed_at;
  });
  const std::size_t enough = right_in_a_row(lanes_found());
  std::size_t right_so_far = 0;
  for (FoundSegment* found : by_age) {
    if (found->foot.sealed_at >= context_.recycled_before && right_so_far >= enough) break;
    const bool right = accept(*found);
    right_so_far = right ? right_so_far + 1 : 0;
    if (!right) note_damage(*found, "its blocks are not those of its checksum");
  }
}

/// Now, or when the ring was written.
std::size_t Recovery::lanes_found() const {
  std::size_t lanes = context_.lanes;
  for (const FoundSegment& found : found_) {
    if (found.state == FoundState::kSealed)
      lanes = std::max(lanes, std::size_t{found.head.lane} + 1);
  }
  return lanes;
}

LaneTotals& Recovery::totals_of(std::uint32_t lane) {
  if (lane >= ring_.totals.size()) ring_.totals.resize(lane + 1);
  return ring_.totals[lane];
}

void Recovery::collect_totals() {
  for (const FoundSegment& found : found_) {
    if (found.state != FoundState::kSealed) continue;
    totals_of(found.head.lane) = LaneTotals::after(found.foot);
    ++ring_.report.sealed;
  }
}

void Recovery::seal_open_ones() {
  for (FoundSegment& found : found_) {
    if (found.state == FoundState::kOpen && seal_open(found)) ++ring_.report.recovered;
  }
}

bool Recovery::seal_open(FoundSegment& found) {
  const MutableBytes segment = file_.segment(found.index);
  const std::uint64_t limit = trusted_limit(found.head);
  if (limit <= kInterfacesOffset) {
    found.state = FoundState::kUnused;
    return false;
  }
  const std::uint64_t end = cut_torn_tail(segment, limit);
  if (end == 0) {
    note_damage(found, "its blocks are damaged from the beginning");
    return false;
  }
  if (end < limit) {
    ring_.report.notes.push_back(
        fmt::format("segment {} was cut by {} bytes of torn blocks", found.index, limit - end));
  }
  LaneTotals& totals = totals_of(found.head.lane);
  found.foot = seal_segment(segment, tally_of(segment, head_of(segment).frontier), totals,
                            last_sequence_ + 1);
  found.head = head_of(segment);
  found.state = FoundState::kSealed;
  totals = LaneTotals::after(found.foot);
  return true;
}

/// Readers that know nothing of us go through the whole file: what is no record must at least be a
/// section.
void Recovery::blank_unused() {
  for (const FoundSegment& found : found_) {
    if (found.state != FoundState::kSealed) write_blank(file_.segment(found.index));
  }
}

void Recovery::fill_catalog() {
  ring_.catalog = std::make_unique<Catalog>(file_.geometry().segments, last_sequence_ + 1);
  for (const FoundSegment& found : found_) {
    if (found.state != FoundState::kSealed) continue;
    ring_.catalog->sealed({found.index, found.head.sequence}, found.foot.sealed_at,
                          record_span(found.head, found.foot));
  }
}

void Recovery::collect_resume_positions() {
  std::map<std::uint32_t, std::size_t> seen;  // by lane
  std::vector<const FoundSegment*> newest;
  for (auto found = found_.rbegin(); found != found_.rend(); ++found) {
    const bool holds =
        found->state == FoundState::kSealed && is_same_boot(found->head, context_.boot_id);
    if (holds && seen[found->head.lane]++ < kResumeSegments) newest.push_back(&*found);
  }
  for (auto found = newest.rbegin(); found != newest.rend(); ++found)
    collect_resume_positions(**found);
}

void Recovery::collect_resume_positions(const FoundSegment& found) {
  auto& resume = ring_.report.resume;
  const Bytes segment = file_.segment(found.index);
  const std::uint64_t end = found.head.frontier;
  RunCursor runs(segment, first_run_offset(segment, end), end);
  while (const auto run = runs.next()) {
    if (run->source.kind == SourceKind::kControl) continue;
    const auto known = std::find_if(resume.begin(), resume.end(),
                                    [&](const auto& entry) { return entry.first == run->source; });
    if (known == resume.end()) {
      resume.emplace_back(run->source, run->end_position);
    } else {
      known->second = run->end_position;
    }
  }
}

}  // namespace

std::uint64_t cut_torn_tail(MutableBytes segment, std::uint64_t limit) {
  Interfaces interfaces = walk_interfaces(segment, limit);
  if (interfaces.end == 0) return 0;
  std::uint64_t end = interfaces.end;
  while (end + sizeof(RunHead) < limit && holds_run_head(segment, end)) {
    auto head = load<RunHead>(segment, end);
    if (!is_run_head(head)) break;
    const std::uint64_t begin = end + sizeof head;
    const RunContents kept = walk_run(segment.subspan(begin, std::min(head.bytes, limit - begin)));
    if (kept.bytes == 0) break;
    if (begin + kept.bytes > run_limit(segment.size(), interfaces.count + kept.interfaces)) break;
    const bool torn = kept.bytes < head.bytes;
    head.type = kRunHeadType;
    head.total_bytes = sizeof head;
    head.end_position -= head.bytes - kept.bytes;
    head.bytes = kept.bytes;
    head.first_ns = kept.first_ns;  // none where nothing but padding is left
    put(segment, end, head);
    end = begin + kept.bytes;
    interfaces.count += kept.interfaces;
    if (torn) break;
  }
  if (end > run_limit(segment.size(), interfaces.count)) return 0;
  publish_word(segment.data() + kSegmentHeadOffset + offsetof(SegmentHead, frontier), end);
  publish_word(segment.data() + kSegmentHeadOffset + offsetof(SegmentHead, foot), 0);
  write_free_space(segment, end);
  return end;
}

RecoveredRing recover(RingFile& file, std::vector<FoundSegment> found,
                      const RecoveryContext& context) {
  return Recovery(file, std::move(found), context).run();
}

}  // namespace caprock::store
