// SPDX-License-Identifier: Apache-2.0
// Prepares segments ahead of the lanes and seals those they are done with.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "core/quantity.hpp"
#include "store/catalog.hpp"
#include "store/lane_exchange.hpp"
#include "store/ring_file.hpp"
#include "store/seal.hpp"

namespace caprock::store {

/// Housekeeping thread; before it starts and after it ended, the thread that opens and closes the
/// ring. Never waits for a sync: that is the flusher's.
class Housekeeping {
 public:
  /// `totals`: per lane, what is in its sealed segments. `exchanges`: one per lane. All outlive it.
  Housekeeping(RingFile& file, Catalog& catalog, std::deque<LaneExchange>& exchanges,
               std::vector<LaneTotals> totals);

  /// One step of everything that is due. True: there may be more to do at once.
  bool work();

  /// Seals everything that the lanes have handed over; prepares nothing more.
  void finish();

  /// Packets in all segments that the lane ever sealed; any thread.
  std::uint64_t sealed_packets(std::size_t lane) const { return sealed_packets_[lane]; }

 private:
  struct Activation {
    std::uint64_t sequence = 0;  // of the lane's active segment
    std::uint64_t at = 0;        // the ring's next sequence when it was first seen
  };
  struct Full {
    std::uint32_t index;
    std::size_t lane;
    std::unique_ptr<SegmentWriter> writer;
  };

  void collect_retired();
  void give_up(std::uint32_t index);
  bool prepare_one();
  bool prepare_for(LaneExchange& exchange);
  bool prepare_bad(LaneExchange& exchange);
  bool prepare(SegmentUse use, LaneExchange& exchange);
  bool seal_one();
  void request_rolls();

  RingFile& file_;
  Catalog& catalog_;
  std::deque<LaneExchange>& exchanges_;
  std::vector<LaneTotals> totals_;
  std::vector<Activation> activations_;  // by lane
  std::deque<std::atomic<std::uint64_t>> sealed_packets_;
  std::deque<Full> to_seal_;
  std::size_t prepared_ahead_;
  std::int64_t retry_ns_ = 0;      // monotonic: nothing is prepared before, since the disk failed
  std::int64_t retry_bad_ns_ = 0;  // and no bad segment before
  Nanoseconds bad_delay_;          // after the next bad segment that fails again
};

}  // namespace caprock::store
