// SPDX-License-Identifier: Apache-2.0
// One lane's way into the file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/batch_split.hpp"
#include "store/catalog.hpp"
#include "store/direct_writer.hpp"
#include "store/disk_pressure.hpp"
#include "store/fault_guard.hpp"
#include "store/gather_buffer.hpp"
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
  const DirectFile* direct;  // none: the file system has no direct I/O
  const FaultGuard& guard;
  Catalog& catalog;
  WakeSignal& housekeeping;
  WakeSignal& flusher;
  DiskPressure& pressure;
  LaneExchange& exchange;
};

/// Lane thread; after that has ended, the thread that closes the ring. Takes its first segment with
/// the first run.
class Lane final : public LaneWriter {
 public:
  Lane(LaneSurroundings surroundings, SegmentIdentity identity, SharedInterfaceList interfaces);

  void pin(std::span<const Bytes> memory) override;
  bool holds_back(std::uint64_t bytes) const override;
  bool append(const PacketBatch& batch) override;
  std::uint64_t settle() override;
  void set_interfaces(SharedInterfaceList list) override;
  bool append_control(Bytes blocks) override;
  std::uint64_t packets() const override;
  void set_wall_offset(std::int64_t wall_offset_ns) override;
  void reveal() override;
  void set_complete_until(std::int64_t wall_ns) override;

  /// Hands the active segment over for sealing. At the end, and where a new segment has to begin.
  void retire();

 private:
  std::optional<PreparedSegment> take_prepared();
  bool activate_next();
  void hand_over(Retirement why);
  void tell_behind(const SourceId& source);
  std::uint64_t room_for(const PacketBatch& batch, BatchPoint at) const;
  void begin_run(const PacketBatch& batch, BatchPoint begin, const Stretch& run);
  Bytes in_one_piece(const PacketBatch& batch, BatchPoint begin, const Stretch& run);
  bool end_run();
  BatchPoint skip_unfit(const PacketBatch& batch, BatchPoint at) const;
  void count_run(std::uint64_t bytes);
  void mark_durable();
  bool append_interfaces(const InterfaceList& known);
  bool put_control(Bytes blocks);

  LaneSurroundings around_;
  SegmentIdentity identity_;
  SharedInterfaceList interfaces_;
  std::vector<std::byte> opening_;
  std::unique_ptr<SegmentWriter> segment_;  // the active one
  std::uint32_t index_ = 0;                 // its place in the file
  std::optional<DirectWriter> direct_;
  GatherBuffer gathered_;
  std::uint64_t committed_ = 0;  // of the last batch: the source's position
  std::uint64_t unsynced_ = 0;   // bytes since the flusher was told to sync
  std::uint64_t packets_ = 0;    // committed
  bool copies_ = false;          // the last batch: none of it goes to disk directly

  /// The run that is on its way into the segment.
  struct Run {
    std::uint64_t bytes = 0;  // 0: there is none
    std::uint64_t end_position = 0;
    std::uint64_t packets_before = 0;  // in its segment
    bool direct = false;
  };
  Run run_;
};

}  // namespace caprock::store
