// SPDX-License-Identifier: Apache-2.0
#include "store/flusher.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

/// Segments whose pages stay however small the budget is, beside the prepared and active ones.
constexpr std::uint64_t kMinResident = 4;

std::byte* field(const MutableBytes segment, std::size_t offset_in_head) {
  return segment.data() + kSegmentHeadOffset + offset_in_head;
}

}  // namespace

Flusher::Flusher(RingFile& file, Catalog& catalog, const std::deque<LaneExchange>& exchanges,
                 std::uint64_t page_budget_bytes)
    : file_(file),
      catalog_(catalog),
      exchanges_(exchanges),
      resident_limit_(std::max(kMinResident, page_budget_bytes / file.geometry().segment_bytes)) {}

Status Flusher::flush() {
  const std::int64_t complete_ns =
      complete_until_ns();  // before the frontiers: never more than they hold
  const std::vector<Extent> extents = pending();
  if (!extents.empty() || marks_pending_) {
    if (auto synced = file_.sync(); !synced) return synced;
  }
  // The marks of the round before went to disk with this one; without any, the record of
  // complete_ns is there already.
  durable_until_ns_.store(marks_pending_ || !extents.empty() ? marked_until_ns_ : complete_ns,
                          std::memory_order_relaxed);
  evict_beyond_budget();  // before the marks: a page that they make dirty again stays
  for (const Extent& extent : extents)
    mark(extent);
  marks_pending_ = !extents.empty();
  marked_until_ns_ = complete_ns;
  return {};
}

std::vector<Flusher::Extent> Flusher::pending() const {
  std::vector<Extent> extents;
  for (const SegmentUse use : catalog_.unsynced()) {
    const MutableBytes segment = file_.segment(use.index);
    if (observe_word(field(segment, 0)) != block_word(kSegmentHeadType, sizeof(SegmentHead)))
      continue;
    // Taken for its next use, but not blanked yet: what is there is the use before.
    if (observe_word(field(segment, offsetof(SegmentHead, sequence))) != use.sequence) continue;
    const std::uint64_t foot = observe_word(field(segment, offsetof(SegmentHead, foot)));
    const std::uint64_t frontier = observe_word(field(segment, offsetof(SegmentHead, frontier)));
    const std::uint64_t end = foot != 0 ? foot + sizeof(SegmentFoot) : frontier;
    const std::uint64_t synced =
        observe_word(field(segment, offsetof(SegmentHead, synced_frontier)));
    if (end > synced) extents.push_back({use, end, foot != 0});
  }
  return extents;
}

void Flusher::mark(const Extent& extent) {
  catalog_.mark_synced(extent.use, extent.sealed, [&] {
    publish_word(field(file_.segment(extent.use.index), offsetof(SegmentHead, synced_frontier)),
                 extent.end);
  });
  if (extent.sealed) resident_.push_back(extent.use);
}

void Flusher::evict_beyond_budget() {
  if (file_.geometry().segments <= resident_limit_) return resident_.clear();
  for (; resident_.size() > resident_limit_; resident_.pop_front()) {
    if (catalog_.holds(resident_.front())) file_.evict(resident_.front().index);
  }
}

std::int64_t Flusher::complete_until_ns() const {
  std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
  for (const LaneExchange& exchange : exchanges_) {
    earliest = std::min(earliest, exchange.complete_until_ns.load(std::memory_order_relaxed));
  }
  return earliest;
}

}  // namespace caprock::store
