// SPDX-License-Identifier: Apache-2.0
#include "store/catalog.hpp"

#include <algorithm>

namespace caprock::store {
namespace {

/// Time enough for the mark to get to disk while lanes use these up, and no more to be looked at
/// after a power cut than is read in a second or two.
constexpr std::size_t kFewToRecycle = 32;
constexpr std::size_t kRecycleStep = 32;

}  // namespace

Catalog::Catalog(std::uint64_t segments, std::uint64_t next_sequence)
    : segments_(segments), next_sequence_(next_sequence) {
  for (std::uint32_t index = 0; index < segments; ++index)
    free_.insert(free_.end(), index);
}

void Catalog::sealed(SegmentUse use, std::uint64_t sealed_at, RecordSpan span) {
  const std::lock_guard lock(mutex_);
  Segment& segment = segments_[use.index];
  segment.state = SegmentState::kSealed;
  segment.sequence = use.sequence;
  segment.sealed_at = sealed_at;
  segment.span = span;
  free_.erase(use.index);
  sealing_.erase(use.index);
  by_age_.emplace(sealed_at, use.sequence);
  by_sequence_[use.sequence] = use.index;
}

std::uint64_t Catalog::next_sequence() const {
  const std::lock_guard lock(mutex_);
  return next_sequence_;
}

std::optional<SegmentUse> Catalog::take() {
  const std::lock_guard lock(mutex_);
  const auto index = pick();
  return index ? std::optional(use_next(*index)) : std::nullopt;
}

std::optional<SegmentUse> Catalog::take_bad() {
  const std::lock_guard lock(mutex_);
  return bad_.empty() ? std::nullopt : std::optional(use_next(bad_.front()));
}

void Catalog::allow_recycling(std::uint64_t sealed_before) {
  const std::lock_guard lock(mutex_);
  recycled_before_ = sealed_before;
}

std::optional<std::uint64_t> Catalog::wanted_recycling() const {
  const std::lock_guard lock(mutex_);
  std::size_t left = free_.size();
  auto next = by_age_.begin();
  for (; left <= kFewToRecycle && next != by_age_.end() && may_recycle(*next); ++next)
    left += is_kept(*next) ? 0 : 1;
  if (left > kFewToRecycle || next == by_age_.end()) return std::nullopt;
  for (std::size_t step = 0; step < kRecycleStep && next != by_age_.end(); ++next)
    step += is_kept(*next) ? 0 : 1;
  return next == by_age_.end() ? next_sequence_ + 1 : next->first;
}

SegmentUse Catalog::use_next(std::uint32_t index) {
  release(index);
  Segment& segment = segments_[index];
  segment.state = SegmentState::kReady;
  segment.sequence = next_sequence_++;
  segment.span = {};
  by_sequence_[segment.sequence] = index;
  unsynced_.insert(index);
  return {index, segment.sequence};
}

std::optional<std::uint32_t> Catalog::pick() {
  if (!free_.empty()) return *free_.begin();
  if (const auto unpinned = pick_unpinned()) return unpinned;
  if (!sealing_.empty()) return std::nullopt;  // no pin is broken for the want of patience
  return break_oldest_pin();
}

std::optional<std::uint32_t> Catalog::pick_unpinned() const {
  const auto unpinned =
      std::ranges::find_if(by_age_, [this](const Age& age) { return !is_kept(age); });
  return unpinned != by_age_.end() && may_recycle(*unpinned)
             ? std::optional(by_sequence_.at(unpinned->second))
             : std::nullopt;
}

/// Only where none is left without one, not where one may not be given out yet.
std::optional<std::uint32_t> Catalog::break_oldest_pin() {
  const auto oldest =
      std::ranges::find_if(by_age_, [this](const Age& age) { return age.second != held_; });
  const bool all_kept =
      std::ranges::all_of(by_age_, [this](const Age& age) { return is_kept(age); });
  if (oldest == by_age_.end() || !all_kept || !may_recycle(*oldest)) return std::nullopt;
  pins_[oldest->second].broken = true;
  return by_sequence_.at(oldest->second);
}

/// Out of every list but that of its next state.
void Catalog::release(std::uint32_t index) {
  Segment& segment = segments_[index];
  free_.erase(index);
  sealing_.erase(index);
  std::erase(bad_, index);
  unsynced_.erase(index);
  doubtful_.erase(index);
  by_age_.erase({segment.sealed_at, segment.sequence});
  by_sequence_.erase(segment.sequence);
  segment.sequence = 0;
}

void Catalog::activated(std::uint32_t index) {
  segments_[index].state.store(SegmentState::kActive, std::memory_order_relaxed);
}

void Catalog::sealing(std::uint32_t index) {
  const std::lock_guard lock(mutex_);
  segments_[index].state = SegmentState::kSealing;
  sealing_.insert(index);
}

void Catalog::freed(std::uint32_t index) {
  const std::lock_guard lock(mutex_);
  release(index);
  segments_[index].state = SegmentState::kFree;
  free_.insert(index);
}

void Catalog::failed(std::uint32_t index) {
  const std::lock_guard lock(mutex_);
  release(index);
  segments_[index].state = SegmentState::kBad;
  bad_.push_back(index);
}

bool Catalog::pin(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (!by_sequence_.contains(sequence)) return false;
  ++pins_[sequence].count;
  return true;
}

void Catalog::unpin(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto pins = pins_.find(sequence);
  if (pins != pins_.end() && --pins->second.count == 0) pins_.erase(pins);
}

bool Catalog::pin_broken(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  const auto pins = pins_.find(sequence);
  return pins != pins_.end() && pins->second.broken;
}

std::vector<SegmentUse> Catalog::unsynced() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentUse> uses;
  for (const std::uint32_t index : unsynced_)
    uses.push_back({index, segments_[index].sequence});
  return uses;
}

bool Catalog::hold(SegmentUse use) {
  const std::lock_guard lock(mutex_);
  const Segment& segment = segments_[use.index];
  if (segment.sequence != use.sequence || segment.state != SegmentState::kSealed) return false;
  held_ = use.sequence;
  return true;
}

void Catalog::let_go() {
  const std::lock_guard lock(mutex_);
  held_ = 0;
}

bool Catalog::durable(SegmentUse use) {
  const std::lock_guard lock(mutex_);
  if (segments_[use.index].sequence != use.sequence) return false;
  unsynced_.erase(use.index);
  return true;
}

/// Nothing was recorded yet into those that are ready; what comes dirties their pages again.
void Catalog::doubt_unsynced() {
  const std::lock_guard lock(mutex_);
  std::erase_if(unsynced_, [this](std::uint32_t index) {
    if (segments_[index].state == SegmentState::kReady) return false;
    doubtful_.insert(index);
    return true;
  });
}

bool Catalog::doubtful(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  const auto segment = by_sequence_.find(sequence);
  return segment != by_sequence_.end() && doubtful_.contains(segment->second);
}

bool Catalog::any_doubtful() const {
  const std::lock_guard lock(mutex_);
  return !doubtful_.empty();
}

std::vector<SegmentUse> Catalog::all_doubtful() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentUse> uses;
  for (const std::uint32_t index : doubtful_)
    uses.push_back({index, segments_[index].sequence});
  return uses;
}

std::uint64_t Catalog::history_begin() const {
  const std::lock_guard lock(mutex_);
  return !free_.empty() || by_age_.empty() ? 0 : by_age_.begin()->first;
}

void Catalog::describe(RingStatus& status) const {
  const std::lock_guard lock(mutex_);
  for (const Segment& segment : segments_)
    ++status.segments[static_cast<std::size_t>(segment.state.load())];
  const auto count = [&status](SegmentState state) {
    return status.segments[static_cast<std::size_t>(state)];
  };
  status.used_bytes =
      status.segment_bytes *
      (count(SegmentState::kActive) + count(SegmentState::kSealing) + count(SegmentState::kSealed));
  status.laps = (next_sequence_ - 1) / segments_.size();
  for (const auto& [sealed_at, sequence] : by_age_) {
    const RecordSpan& span = segments_[by_sequence_.at(sequence)].span;
    if (status.oldest_ns == 0 || span.first_ns < status.oldest_ns) status.oldest_ns = span.first_ns;
    status.newest_ns = std::max(status.newest_ns, span.last_ns);
  }
}

}  // namespace caprock::store
