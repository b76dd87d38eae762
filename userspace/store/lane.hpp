// SPDX-License-Identifier: Apache-2.0
// One lane's way into the file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/batch_split.hpp"
#include "store/catalog.hpp"
#include "store/fault_guard.hpp"
#include "store/lane_exchange.hpp"
#include "store/lane_writer.hpp"
#include "store/segment_layout.hpp"
#include "store/segment_writer.hpp"
#include "store/wake_signal.hpp"

namespace caprock::store {

/// What a lane writes into, and whom it tells. All of it outlives the lane.
struct LaneSurroundings {
  MutableBytes ring;         // the mapping
  int fd;                    // of the file
  const DirectFile* direct;  // none: every page of a prepared segment is in memory
  const FaultGuard& guard;
  Catalog& catalog;
  WakeSignal& housekeeping;
  LaneExchange& exchange;
};

/// Lane thread; after that has ended, the thread that closes the ring. Takes its first segment with
/// the first run.
class Lane final : public LaneWriter {
 public:
  Lane(LaneSurroundings surroundings, SegmentIdentity identity, SharedInterfaceList interfaces);

  std::uint64_t append(const PacketBatch& batch) override;
  void set_interfaces(SharedInterfaceList list) override;
  void set_wall_offset(std::int64_t wall_offset_ns) override;
  void reveal() override;
  void set_complete_until(std::int64_t wall_ns) override;

  /// Hands the active segment over for sealing. At the end, and where a new segment has to begin.
  void retire();

 private:
  std::optional<PreparedSegment> take_prepared();
  bool activate_next();
  void hand_over(Retirement why);
  void write_run(const PacketBatch& batch, BatchPoint begin, const Stretch& run);
  BatchPoint skip_unfit(const PacketBatch& batch, BatchPoint at) const;
  void count_run(std::uint64_t bytes);
  bool append_interfaces(std::size_t known);

  LaneSurroundings around_;
  SegmentIdentity identity_;
  SharedInterfaceList interfaces_;
  std::vector<std::byte> opening_;
  std::optional<SegmentWriter> segment_;  // the active one
  std::uint32_t index_ = 0;               // its place in the file
};

}  // namespace caprock::store
