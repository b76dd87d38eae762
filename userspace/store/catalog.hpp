// SPDX-License-Identifier: Apache-2.0
// What every segment of the ring is used for, and which one is to be used next.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "store/ring.hpp"
#include "store/seal.hpp"

namespace caprock::store {

/// A segment in one of its uses.
struct SegmentUse {
  std::uint32_t index = 0;
  std::uint64_t sequence = 0;
};

/// Any thread but the lanes: they call activated() alone, which takes no lock.
class Catalog {
 public:
  /// All segments free. `next_sequence`: beyond every one that was ever given out.
  Catalog(std::uint64_t segments, std::uint64_t next_sequence);

  /// A segment found sealed at recovery, or sealed just now. `sealed_at`: of its foot.
  void sealed(SegmentUse use, std::uint64_t sealed_at, RecordSpan span);

  /// What take() gives out next; any segment sealed now is younger than all sealed before it.
  std::uint64_t next_sequence() const;

  /// The segment to use next, now ready: a free one (the lowest, so that the file grows from its
  /// front), else the one sealed first that is not pinned, else the one sealed first of all,
  /// whose pins are broken. Nothing while another is just being sealed.
  std::optional<SegmentUse> take();

  /// Only segments sealed before are given out again from now on (RecycleMark); without a call all
  /// are.
  void allow_recycling(std::uint64_t sealed_before);
  /// What to allow next, where few are left that may be given out.
  std::optional<std::uint64_t> wanted_recycling() const;

  /// The bad segment that failed longest ago, now ready.
  std::optional<SegmentUse> take_bad();

  void activated(std::uint32_t index);  // by a lane
  void sealing(std::uint32_t index);
  void freed(std::uint32_t index);
  void failed(std::uint32_t index);

  /// See Ring.
  bool pin(std::uint64_t sequence);
  void unpin(std::uint64_t sequence);
  bool pin_broken(std::uint64_t sequence) const;

  /// Segments that hold bytes which are not known to be durable: active, sealing, and sealed since.
  std::vector<SegmentUse> unsynced() const;
  /// Runs `action()` if the segment is still in that use; it stays so meanwhile.
  template <class Action>
  void if_in_use(SegmentUse use, Action&& action) {
    const std::lock_guard lock(mutex_);
    if (segments_[use.index].sequence == use.sequence) action();
  }
  /// Keeps a sealed segment in that use until let_go(), whatever is pinned: for what takes too long
  /// to be done in if_in_use(). One at a time. False: it is in its next use already.
  bool hold(SegmentUse use);
  void let_go();
  /// All of a sealed segment is durable, its mark too. False: it is in its next use already.
  bool durable(SegmentUse use);

  /// A sync failed. What of the unsynced segments is on disk nobody knows, and no later sync will
  /// say: the kernel has forgotten which pages it could not write. They are doubtful, and no longer
  /// unsynced, until their next use.
  void doubt_unsynced();
  bool doubtful(std::uint64_t sequence) const;
  bool any_doubtful() const;
  std::vector<SegmentUse> all_doubtful() const;

  /// When the segment to be recycled next was sealed, in terms of next_sequence(); 0 without any or
  /// while free segments are left.
  std::uint64_t history_begin() const;

  /// Fills the fields that are about segments.
  void describe(RingStatus& status) const;

 private:
  struct Segment {
    std::atomic<SegmentState> state{SegmentState::kFree};
    std::uint64_t sequence = 0;  // 0: none
    std::uint64_t sealed_at = 0;
    RecordSpan span;
  };
  struct Pins {
    std::uint64_t count = 0;
    bool broken = false;
  };
  using Age = std::pair<std::uint64_t, std::uint64_t>;  // sealed_at, sequence

  std::optional<std::uint32_t> pick();
  std::optional<std::uint32_t> pick_unpinned() const;
  std::optional<std::uint32_t> break_oldest_pin();
  bool may_recycle(const Age& age) const { return age.first < recycled_before_; }
  bool is_kept(const Age& age) const { return age.second == held_ || pins_.contains(age.second); }
  SegmentUse use_next(std::uint32_t index);
  void release(std::uint32_t index);

  mutable std::mutex mutex_;
  std::vector<Segment> segments_;
  std::set<std::uint32_t> free_;
  std::set<Age> by_age_;  // sealed ones; not by time: the clock may have been wrong once
  std::set<std::uint32_t> sealing_;
  std::deque<std::uint32_t> bad_;  // in the order in which they failed
  std::set<std::uint32_t> unsynced_;
  std::set<std::uint32_t> doubtful_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_sequence_;
  std::map<std::uint64_t, Pins> pins_;
  std::uint64_t held_ = 0;  // its sequence; 0: none
  std::uint64_t next_sequence_;
  std::uint64_t recycled_before_ = std::numeric_limits<std::uint64_t>::max();  // by sealed_at
};

}  // namespace caprock::store
