// SPDX-License-Identifier: Apache-2.0
#include "store/flusher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "core/clock.hpp"
#include "store/segment_layout.hpp"
#include "store/segment_view.hpp"

namespace caprock::store {
namespace {

/// What is left of a backlog behind such a sync a direct write may wait for.
constexpr std::int64_t kShortSyncNs = 50'000'000;
/// Where each sync takes longer than that: so long after a source has filled last.
constexpr std::int64_t kBetterTimesNs = 1'000'000'000;
/// By then a direct write is done, or the disk is slow anyway.
constexpr std::int64_t kDirectWriteNs = 20'000'000;
/// Between two attempts to write what a disk did not take: from this on it doubles.
constexpr std::int64_t kRewriteNs = 500'000'000;
constexpr std::int64_t kMaxRewriteNs = 4'000'000'000;

std::byte* field(const MutableBytes segment, std::size_t offset_in_head) {
  return segment.data() + kSegmentHeadOffset + offset_in_head;
}

}  // namespace

Status Flusher::flush() {
  const std::int64_t complete_ns =
      complete_until_ns();  // before the frontiers: never more than they hold
  const bool marks_made = this->marks_made();
  std::vector<Extent> extents = pending();
  const bool at_rest = extents.empty() && marked_.empty();
  if (!at_rest || failed_ || rewritten_) {
    if (auto synced = sync(); !synced) return doubt(synced.error());
    if (std::exchange(rewritten_, false)) rewrite_delay_ns_ = 0;
    if (std::exchange(failed_, false)) roll_doubtful();
  }
  rewrite_doubtful();
  if (at_rest) pressure_.behind.store(false, std::memory_order_relaxed);
  // The marks of the round before went to disk with this one; without any, the record of
  // complete_ns is there already.
  if (marks_made && !catalog_.any_doubtful()) {
    durable_until_ns_.store(at_rest ? complete_ns : marked_until_ns_, std::memory_order_relaxed);
  }
  for (const Extent& extent : marked_) {
    if (extent.sealed && catalog_.durable(extent.use)) file_.evict(extent.use.index);
  }
  for (const Extent& extent : extents)
    mark(extent);
  marked_ = std::move(extents);
  marked_until_ns_ = complete_ns;
  return {};
}

Status Flusher::sync() {
  const bool behind = pressure_.behind.load(std::memory_order_relaxed);
  pressure_.syncing.store(true, std::memory_order_relaxed);
  await_direct_writes();
  const std::int64_t begin_ns = monotonic_ns();
  auto synced = file_.sync();
  pressure_.syncing.store(false, std::memory_order_relaxed);
  const std::int64_t end_ns = monotonic_ns();
  const bool short_one = synced && end_ns - begin_ns < kShortSyncNs;
  const std::int64_t filled_ns = pressure_.filled_ns.load(std::memory_order_relaxed);
  if (behind && (short_one || end_ns - filled_ns > kBetterTimesNs))
    pressure_.behind.store(false, std::memory_order_relaxed);
  return synced;
}

/// Lanes begin no more of them now. One that is on its way would wait for the sync, and its lane
/// with it, for as long as the disk has to write.
void Flusher::await_direct_writes() const {
  const std::int64_t deadline_ns = monotonic_ns() + kDirectWriteNs;
  const auto writes_direct = [](const LaneExchange& exchange) {
    return exchange.writes_direct.load(std::memory_order_relaxed);
  };
  while (std::ranges::any_of(exchanges_, writes_direct) && monotonic_ns() < deadline_ns)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool Flusher::hurries() const {
  return !failed_ && pressure_.behind.load(std::memory_order_relaxed);
}

Error Flusher::doubt(const Error& failure) {
  failed_ = true;
  if (std::exchange(rewritten_, false))
    rewrite_delay_ns_ = std::clamp(2 * rewrite_delay_ns_, kRewriteNs, kMaxRewriteNs);
  catalog_.doubt_unsynced();
  marked_.clear();
  return Error(fmt::format("{}; what was recorded since the last sync may not survive a power cut",
                           failure.message()));
}

/// What comes next in a doubtful segment could never be durable, and what is there is written
/// again. Called when a sync has succeeded: a disk that goes on failing is not to use the ring up.
void Flusher::roll_doubtful() {
  for (LaneExchange& exchange : exchanges_) {
    if (catalog_.doubtful(exchange.sequence.load(std::memory_order_relaxed)))
      exchange.roll_requested.store(true, std::memory_order_relaxed);
  }
  to_rewrite_ = catalog_.all_doubtful();
  rewrite_from_ns_ = monotonic_ns() + rewrite_delay_ns_;
}

/// What the disk did not take is in memory alone, and the kernel, which takes it for written, lets
/// go of it any time. Where the disk has come back it is to be there too. No segment that is still
/// being written: it is sealed soon.
void Flusher::rewrite_doubtful() {
  if (to_rewrite_.empty() || monotonic_ns() < rewrite_from_ns_) return;
  std::erase_if(to_rewrite_, [this](SegmentUse use) {
    const MutableBytes segment = file_.segment(use.index);
    const bool in_use = is_in_use(segment, use.sequence);
    const bool sealed = in_use && observe_word(field(segment, offsetof(SegmentHead, foot))) != 0;
    if (sealed) rewrite(use);
    return sealed || !in_use;
  });
}

void Flusher::rewrite(SegmentUse use) {
  if (!catalog_.hold(use)) return;
  for (const std::uint64_t page : file_.resident_pages(use.index))
    file_.write_again(use.index, page);
  catalog_.let_go();
  rewritten_ = true;
}

std::vector<Flusher::Extent> Flusher::pending() const {
  std::vector<Extent> extents;
  for (const SegmentUse use : catalog_.unsynced()) {
    const MutableBytes segment = file_.segment(use.index);
    // Not activated yet, or not even blanked: what is there is the use before.
    if (!is_in_use(segment, use.sequence)) continue;
    const std::uint64_t foot = observe_word(field(segment, offsetof(SegmentHead, foot)));
    const std::uint64_t frontier = observe_word(field(segment, offsetof(SegmentHead, frontier)));
    const std::uint64_t end = foot != 0 ? foot + sizeof(SegmentFoot) : frontier;
    const std::uint64_t synced =
        observe_word(field(segment, offsetof(SegmentHead, synced_frontier)));
    if (end > synced) extents.push_back({use, end, foot != 0});
  }
  return extents;
}

/// A lane that waits for a disk has not come to it yet.
bool Flusher::marks_made() const {
  return std::ranges::all_of(marked_, [this](const Extent& extent) {
    const MutableBytes segment = file_.segment(extent.use.index);
    return !is_in_use(segment, extent.use.sequence) ||
           observe_word(field(segment, offsetof(SegmentHead, synced_frontier))) >= extent.end;
  });
}

/// The one whose active segment it is.
LaneExchange* Flusher::lane_of(const Extent& extent) const {
  const auto lane = std::ranges::find_if(exchanges_, [&](const LaneExchange& exchange) {
    return exchange.sequence.load(std::memory_order_relaxed) == extent.use.sequence;
  });
  return lane == exchanges_.end() ? nullptr : &*lane;
}

/// See LaneExchange.
void Flusher::mark(const Extent& extent) {
  if (LaneExchange* const lane = lane_of(extent)) {
    lane->durable_end.store(extent.end, std::memory_order_relaxed);
    lane->durable_sequence.store(extent.use.sequence, std::memory_order_release);
    return;
  }
  catalog_.if_in_use(extent.use, [&] {
    publish_word(field(file_.segment(extent.use.index), offsetof(SegmentHead, synced_frontier)),
                 extent.end);
  });
}

std::int64_t Flusher::complete_until_ns() const {
  std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
  for (const LaneExchange& exchange : exchanges_) {
    earliest = std::min(earliest, exchange.complete_until_ns.load(std::memory_order_acquire));
  }
  return earliest;
}

}  // namespace caprock::store
