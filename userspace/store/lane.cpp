// SPDX-License-Identifier: Apache-2.0
#include "store/lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "pcapng/reader.hpp"
#include "store/interface_naming.hpp"

namespace caprock::store {
namespace {

/// A sync takes as long as the disk has to write: little enough, and a source has room for what
/// comes meanwhile.
constexpr std::uint64_t kSyncBytes = 16 << 20;

/// Bytes of the batch from that point on, as far as they go into one run.
std::uint64_t bytes_from(const PacketBatch& batch, BatchPoint at) {
  std::uint64_t bytes = batch.pieces[at.piece].bytes.size() - at.offset;
  for (std::size_t piece = at.piece + 1; piece < batch.pieces.size(); ++piece) {
    if (bytes + batch.pieces[piece].bytes.size() > GatherBuffer::kBytes) break;
    bytes += batch.pieces[piece].bytes.size();
  }
  return bytes;
}

/// Wall time of the first of these blocks that has one (names have none), 0 if there is none.
std::int64_t first_time(const PacketBatch& batch, BatchPoint begin, BatchPoint end) {
  std::int64_t first_ns = 0;
  for_each_part(batch, begin, end, [&](Bytes blocks) {
    pcapng::BlockCursor cursor(blocks);
    while (first_ns == 0) {
      const auto block = cursor.next();
      if (!block) return;
      first_ns = pcapng::block_time_ns(*block).value_or(0);
    }
  });
  return first_ns;
}

RunHead make_run_head(const PacketBatch& batch, BatchPoint begin, const Stretch& run) {
  RunHead head{};
  head.type = kRunHeadType;
  head.total_bytes = head.trailer_total = sizeof head;
  head.source_kind = static_cast<std::uint16_t>(batch.source.kind);
  head.source_index = batch.source.index;
  head.source_instance = batch.source.instance;
  head.position = position_at(batch, begin);
  head.end_position = position_at(batch, run.end);
  head.bytes = run.bytes;
  head.first_ns = first_time(batch, begin, run.end);
  return head;
}

/// Whether `list` is `known`, but for names of what was blank there, and more behind it.
bool extends(const InterfaceList& list, const InterfaceList& known) {
  const auto goes_on = [](const InterfaceRecord& before, const InterfaceRecord& now) {
    return before == now || before.is_blank();
  };
  return list.size() >= known.size() &&
         std::equal(known.begin(), known.end(), list.begin(), goes_on);
}

/// Of one writer: cheaper than an atomic addition.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t n) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

Lane::Lane(LaneSurroundings surroundings, SegmentIdentity identity, SharedInterfaceList interfaces)
    : around_(surroundings),
      identity_(identity),
      interfaces_(std::move(interfaces)),
      opening_(build_opening(identity_, *interfaces_)) {
  if (around_.direct != nullptr) direct_.emplace(*around_.direct);
  around_.exchange.wall_offset_ns.store(identity_.wall_offset_ns, std::memory_order_relaxed);
}

void Lane::pin(std::span<const Bytes> memory) {
  if (direct_) direct_->pin(memory);
}

bool Lane::holds_back(std::uint64_t bytes) const {
  return direct_ && bytes >= kDirectBytes &&
         around_.pressure.syncing.load(std::memory_order_relaxed) &&
         !around_.pressure.behind.load(std::memory_order_relaxed);
}

/// Leaves a direct run on its way where it is the last one.
bool Lane::append(const PacketBatch& batch) {
  settle();
  committed_ = batch.position;
  if (batch.urgent) tell_behind(batch.source);
  copies_ = batch.urgent || around_.pressure.any();
  BatchPoint at;
  while (at.piece < batch.pieces.size()) {
    if (!segment_ && !activate_next()) return false;
    const Stretch run = fit(batch, at, room_for(batch, at));
    if (run.bytes != 0) {
      begin_run(batch, at, run);
      if (run_.direct && run.end.piece == batch.pieces.size()) return true;
      if (end_run()) at = run.end;
    } else if (segment_->has_runs()) {
      retire();
    } else {
      at = skip_unfit(batch, at);
      committed_ = position_at(batch, at);
    }
  }
  return false;
}

std::uint64_t Lane::settle() {
  if (run_.bytes != 0) end_run();
  mark_durable();
  return committed_;
}

void Lane::mark_durable() {
  const auto& exchange = around_.exchange;
  if (!segment_ || run_.bytes != 0 ||
      exchange.durable_sequence.load(std::memory_order_acquire) !=
          exchange.sequence.load(std::memory_order_relaxed)) {
    return;
  }
  segment_->mark_durable(exchange.durable_end.load(std::memory_order_relaxed));
}

/// Unless a sync is why the source fills.
void Lane::tell_behind(const SourceId& source) {
  DiskPressure& pressure = around_.pressure;
  if (!direct_ || source.kind == SourceKind::kControl ||
      pressure.syncing.load(std::memory_order_relaxed)) {
    return;
  }
  pressure.filled_ns.store(monotonic_ns(), std::memory_order_relaxed);
  if (!pressure.behind.exchange(true, std::memory_order_relaxed)) around_.flusher.notify();
}

/// What would go the direct way is not copied for the sake of a segment's last bytes.
std::uint64_t Lane::room_for(const PacketBatch& batch, BatchPoint at) const {
  const std::uint64_t bytes = bytes_from(batch, at);
  if (copies_ || !segment_->direct_worth(bytes)) return std::min(bytes, segment_->room());
  const std::uint64_t direct = segment_->direct_room();
  return std::min(bytes, direct != 0 || segment_->has_runs() ? direct : segment_->room());
}

Bytes Lane::in_one_piece(const PacketBatch& batch, BatchPoint begin, const Stretch& run) {
  const Bytes first = batch.pieces[begin.piece].bytes.subspan(begin.offset);
  if (first.size() >= run.bytes) return first.first(run.bytes);
  return gathered_.gather(batch, begin, run.end);
}

void Lane::begin_run(const PacketBatch& batch, BatchPoint begin, const Stretch& run) {
  const RunHead head = make_run_head(batch, begin, run);
  const Bytes whole = in_one_piece(batch, begin, run);
  run_ = {.bytes = run.bytes,
          .end_position = position_at(batch, run.end),
          .packets_before = segment_->packets(),
          .direct = !copies_ && segment_->takes_direct(whole)};
  if (!run_.direct) return segment_->write_run(head, whole);
  around_.exchange.writes_direct.store(true, std::memory_order_relaxed);
  segment_->start_direct(head, whole);
}

/// Commits the run; false: its segment was lost, and it with it.
bool Lane::end_run() {
  const Run run = std::exchange(run_, {});
  if (run.direct) {
    segment_->finish_direct();
    around_.exchange.writes_direct.store(false, std::memory_order_relaxed);
  }
  segment_->commit_run();
  if (around_.guard.lost(index_) || !segment_->intact()) {
    hand_over(Retirement::kLost);
    return false;
  }
  count_run(run.bytes);
  packets_ += segment_->packets() - run.packets_before;
  if (const std::int64_t newest_ns = segment_->newest_ns(); newest_ns != 0)
    around_.exchange.newest_ns.store(newest_ns, std::memory_order_relaxed);
  committed_ = run.end_position;
  return true;
}

/// A source whose block lengths are broken, or a block beyond every limit: it would burn segment
/// after segment.
BatchPoint Lane::skip_unfit(const PacketBatch& batch, BatchPoint at) const {
  report_error(
      fmt::format("source {} of kind {} delivered a block that fits into no segment; skipped",
                  batch.source.index, static_cast<unsigned>(batch.source.kind)));
  return {at.piece + 1, 0};
}

void Lane::count_run(std::uint64_t bytes) {
  add(around_.exchange.runs, 1);
  add(around_.exchange.bytes, bytes);
  unsynced_ += bytes;
  if (unsynced_ < kSyncBytes) return;
  unsynced_ = 0;
  around_.flusher.notify();
}

/// Segments that a truncation took since they were prepared go straight back.
std::optional<PreparedSegment> Lane::take_prepared() {
  auto next = around_.exchange.prepared.pop();
  for (; next && around_.guard.lost(next->index); next = around_.exchange.prepared.pop())
    around_.exchange.retired.push({next->index, Retirement::kLost, nullptr});
  around_.housekeeping.notify();
  return next;
}

bool Lane::activate_next() {
  const auto next = take_prepared();
  if (!next) return false;
  index_ = next->index;
  const MutableBytes bytes = around_.ring.subspan(index_ * std::uint64_t{identity_.segment_bytes},
                                                  identity_.segment_bytes);
  const std::int64_t now_ns = wall_ns();
  // Before the segment can be seen: from then on nobody else stores into it.
  around_.exchange.sequence.store(next->sequence, std::memory_order_relaxed);
  const SegmentFile file{direct_ ? &*direct_ : nullptr, around_.fd,
                         index_ * std::uint64_t{identity_.segment_bytes}};
  segment_ = std::make_unique<SegmentWriter>(bytes, file, opening_, interfaces_->size(),
                                             next->sequence, now_ns);
  around_.catalog.activated(index_);
  around_.exchange.active_since_ns.store(now_ns, std::memory_order_relaxed);
  return true;
}

void Lane::retire() {
  settle();
  if (!segment_) return;
  hand_over(segment_->has_runs() ? Retirement::kFull : Retirement::kUnused);
}

void Lane::hand_over(Retirement why) {
  around_.exchange.active_since_ns.store(0, std::memory_order_relaxed);
  around_.exchange.sequence.store(0, std::memory_order_relaxed);
  around_.exchange.retired.push({index_, why, std::move(segment_)});
  around_.housekeeping.notify();
}

void Lane::set_interfaces(SharedInterfaceList list) {
  if (*list == *interfaces_) return;
  settle();
  const SharedInterfaceList known = std::exchange(interfaces_, std::move(list));
  opening_ = build_opening(identity_, *interfaces_);
  if (segment_ && !(extends(*interfaces_, *known) && append_interfaces(*known))) retire();
}

/// What the segment, which says `known`, has to be told, as a run. False: there is no room for it.
bool Lane::append_interfaces(const InterfaceList& known) {
  std::vector<std::byte> blocks;
  for (std::uint32_t id = 0; id < known.size(); ++id) {
    if (known[id] != (*interfaces_)[id]) write_interface_naming(blocks, id, (*interfaces_)[id]);
  }
  for (std::size_t id = known.size(); id < interfaces_->size(); ++id)
    write_interface(blocks, (*interfaces_)[id], true);
  if (!segment_->add_interfaces(interfaces_->size() - known.size(), blocks.size())) return false;
  put_control(blocks);
  return true;
}

bool Lane::append_control(Bytes blocks) {
  settle();
  if (segment_ && segment_->room() < blocks.size()) retire();
  if (!segment_ && !activate_next()) return false;
  return segment_->room() >= blocks.size() && put_control(blocks);
}

std::uint64_t Lane::packets() const {
  return packets_;
}

/// False: the segment was lost, and they with it.
bool Lane::put_control(Bytes blocks) {
  const std::uint64_t committed = committed_;
  const BlockPiece piece{blocks, 0};
  begin_run({.source = {.kind = SourceKind::kControl}, .pieces = {&piece, 1}, .urgent = true}, {},
            {.end = {1, 0}, .bytes = blocks.size()});
  const bool whole = end_run();
  committed_ = committed;
  return whole;
}

void Lane::set_wall_offset(std::int64_t wall_offset_ns) {
  identity_.wall_offset_ns = wall_offset_ns;
  ++identity_.clock_generation;
  around_.exchange.wall_offset_ns.store(wall_offset_ns, std::memory_order_relaxed);
  opening_ = build_opening(identity_, *interfaces_);
  retire();
}

void Lane::reveal() {
  settle();
  if (!segment_) return;
  if (around_.exchange.roll_requested.exchange(false, std::memory_order_relaxed)) return retire();
  segment_->reveal();
}

void Lane::set_complete_until(std::int64_t wall_ns) {
  around_.exchange.complete_until_ns.store(wall_ns, std::memory_order_release);
  around_.exchange.complete_until_monotonic_ns.store(wall_ns - identity_.wall_offset_ns,
                                                     std::memory_order_release);
  mark_durable();
}

}  // namespace caprock::store
