// SPDX-License-Identifier: Apache-2.0
// Makes the record durable, and lets go of its memory.
#pragma once

#include <atomic>
#include <deque>
#include <vector>

#include "store/catalog.hpp"
#include "store/disk_pressure.hpp"
#include "store/lane_exchange.hpp"
#include "store/ring_file.hpp"

namespace caprock::store {

/// Flusher thread, except durable_until_ns(). A slow disk holds up this thread alone.
class Flusher {
 public:
  Flusher(RingFile& file, Catalog& catalog, std::deque<LaneExchange>& exchanges,
          DiskPressure& pressure)
      : file_(file), catalog_(catalog), exchanges_(exchanges), pressure_(pressure) {}

  /// Syncs if anything was committed since the last time, and evicts sealed segments that are
  /// durable. After a failure the segments concerned stay doubtful, whatever later syncs say.
  Status flush();

  /// A lane copies because the disk is behind: the next sync is to follow at once, so that each has
  /// less to do than the one before, as long as less comes than the disk takes.
  bool hurries() const;

  /// Wall time before which everything survives a power cut.
  std::int64_t durable_until_ns() const {
    return durable_until_ns_.load(std::memory_order_relaxed);
  }

 private:
  /// How far a segment's bytes were committed when the sync began.
  struct Extent {
    SegmentUse use;
    std::uint64_t end = 0;
    bool sealed = false;
  };

  std::vector<Extent> pending() const;
  Status sync();
  void await_direct_writes() const;
  Error doubt(const Error& failure);
  bool marks_made() const;
  void mark(const Extent& extent);
  LaneExchange* lane_of(const Extent& extent) const;
  void roll_doubtful();
  void rewrite_doubtful();
  void rewrite(SegmentUse use);
  std::int64_t complete_until_ns() const;

  RingFile& file_;
  Catalog& catalog_;
  std::deque<LaneExchange>& exchanges_;
  DiskPressure& pressure_;
  std::vector<Extent>
      marked_;  // their synced frontiers were written, or asked of the lane; not durable themselves
  bool failed_ = false;     // the last sync
  bool rewritten_ = false;  // what was in doubt, since the last sync
  std::vector<SegmentUse> to_rewrite_;
  std::int64_t rewrite_from_ns_ = 0;
  std::int64_t rewrite_delay_ns_ = 0;
  std::int64_t marked_until_ns_ = 0;  // what they will make durable
  std::atomic<std::int64_t> durable_until_ns_{0};
};

}  // namespace caprock::store
