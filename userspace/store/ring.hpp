// SPDX-License-Identifier: Apache-2.0
// The circular file as its one writer sees it: geometry, segments, housekeeping.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/finding.hpp"
#include "core/interface_list.hpp"
#include "core/packet_batch.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"
#include "store/lane_writer.hpp"

namespace caprock::store {

struct RingOptions {
  std::filesystem::path
      path;  // <dataDir>/ring.pcapng; its directory is made (0700) where it is missing
  std::uint64_t storage_bytes =
      0;  // size of the whole ring, rounded down to whole segments; at least kMinRingBytes
  unsigned lanes = 1;
  std::string node;  // name of this host, for the segment heads
  InterfaceList interfaces;
  std::int64_t wall_offset_ns = 0;
  Nanoseconds sync_interval = std::chrono::milliseconds(500);
  Nanoseconds lock_wait{0};  // for another agent to let go of it
};

enum class SegmentState : std::uint8_t { kFree, kReady, kActive, kSealing, kSealed, kBad };

struct LaneStatus {
  std::uint64_t sequence = 0;  // of the active segment
  std::uint64_t packets = 0;   // not counted per packet: from sealed feet
  std::uint64_t runs = 0;
  std::uint64_t bytes = 0;  // blocks appended, since start
  std::int64_t complete_until_ns = 0;
};

struct RingStatus {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::uint64_t used_bytes = 0;  // of segments that hold a record
  std::uint64_t segment_bytes = 0;
  std::uint64_t segments[6] = {};  // by SegmentState
  std::int64_t oldest_ns = 0;      // of the sealed and active segments; 0: nothing yet
  std::int64_t newest_ns = 0;
  std::int64_t durable_until_ns = 0;             // everything before it survives a power cut
  std::int64_t complete_until_ns = 0;            // minimum over lanes
  std::int64_t complete_until_monotonic_ns = 0;  // the same, which no step of the clock reaches
  std::int64_t wall_offset_ns = 0;               // wall minus monotonic time, as it is recorded now
  std::uint64_t laps = 0;
  std::vector<LaneStatus> lanes;
};

/// What recovery found when the ring was opened.
struct RecoveryReport {
  bool created = false;                     // there was no ring
  std::uint64_t sealed = 0;                 // segments whole as they were
  std::uint64_t recovered = 0;              // active ones, cut at their frontier and sealed
  std::uint64_t damaged = 0;                // skipped
  std::uint64_t dropped = 0;                // lay beyond a smaller storageSize
  std::vector<std::string> notes;           // one line each, for log and status
  std::uint64_t ring_id = 0;                // which no other ring has
  std::vector<std::uint64_t> lane_packets;  // by lane: all it ever took, as its newest foot says; 0
                                            // also where it has none any more
  /// Per source, the position behind the last committed run of this boot: where to resume.
  std::vector<std::pair<SourceId, std::uint64_t>> resume;
};

/// Owner of the file, its lock, its mapping, the lane writers and the housekeeping thread.
/// Control-plane thread, except status(), which any thread may call.
class Ring {
 public:
  /// Opens or makes the ring, locks it (beside another agent that is refused, with its pid),
  /// recovers, resizes, and starts housekeeping. Fails with one line that says what to do; never
  /// touches a file that is not a ring of ours.
  static Result<std::unique_ptr<Ring>> open(RingOptions options);

  virtual ~Ring() = default;

  virtual LaneWriter& lane(unsigned index) = 0;
  virtual const RecoveryReport& recovery() const = 0;
  virtual RingStatus status() const = 0;

  /// Keeps the segment with this sequence from being recycled (counted; unpin as often). False: it
  /// is gone already. Any thread.
  virtual bool pin(std::uint64_t sequence) = 0;
  virtual void unpin(std::uint64_t sequence) = 0;
  /// Whether a pin on it had to be broken because every segment was pinned.
  virtual bool pin_broken(std::uint64_t sequence) const = 0;

  /// Seals the active segments, syncs, and stops housekeeping. The lanes must have stopped. Also
  /// done, without a report, by the destructor.
  virtual Status close() = 0;
};

/// Disk space, file system, permissions of the data directory: the store's part of `doctor`.
Findings inspect_data_directory(const std::filesystem::path& directory,
                                std::uint64_t storage_bytes);

}  // namespace caprock::store
