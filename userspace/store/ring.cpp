// SPDX-License-Identifier: Apache-2.0
#include "store/ring.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "store/background_thread.hpp"
#include "store/data_directory.hpp"
#include "store/flusher.hpp"
#include "store/housekeeping.hpp"
#include "store/lane.hpp"
#include "store/recovery.hpp"
#include "store/recycle_mark.hpp"
#include "store/ring_file.hpp"
#include "store/ring_lock.hpp"
#include "store/ring_scan.hpp"

namespace caprock::store {
namespace {

/// Between these, full segments and empty hands wake the housekeeping thread.
constexpr std::chrono::milliseconds kHousekeepingInterval{1000};

/// Between syncs while the disk is behind: time enough for a lane to write the marks of the last
/// one.
constexpr std::chrono::milliseconds kHurriedInterval{10};

/// Prepared, active and sealing ones, and as many that are a record.
constexpr unsigned kSegmentsPerLane = 8;

class RecordingRing final : public Ring {
 public:
  RecordingRing(RingOptions options, RingLock lock, std::unique_ptr<RingFile> file,
                RingIdentity identity, BootId boot_id, RecoveredRing recovered);
  ~RecordingRing() override;

  /// Prepares the first segments and starts the threads.
  Status start();

  LaneWriter& lane(unsigned index) override { return lanes_[index]; }
  const RecoveryReport& recovery() const override { return report_; }
  RingStatus status() const override;
  bool pin(std::uint64_t sequence) override { return catalog_->pin(sequence); }
  void unpin(std::uint64_t sequence) override { catalog_->unpin(sequence); }
  bool pin_broken(std::uint64_t sequence) const override { return catalog_->pin_broken(sequence); }
  Status close() override;

 private:
  void make_lanes(const RingIdentity& identity, BootId boot_id, std::uint32_t clock_generation);
  std::chrono::milliseconds keep_house();
  std::chrono::milliseconds flush();
  void mark_recycling(std::uint64_t ring_id);
  std::chrono::milliseconds allow_recycling();
  LaneStatus lane_status(std::size_t index) const;

  RingOptions options_;
  RingLock lock_;
  std::unique_ptr<RingFile> file_;
  std::unique_ptr<Catalog> catalog_;
  RecoveryReport report_;
  std::deque<LaneExchange> exchanges_;
  DiskPressure pressure_;
  Housekeeping housekeeping_;
  Flusher flusher_;
  std::optional<RecycleMark> recycle_mark_;
  WakeSignal wake_housekeeping_;
  WakeSignal wake_flusher_;
  WakeSignal wake_recycling_;
  std::deque<Lane> lanes_;
  bool closed_ = false;
  std::optional<BackgroundThread> housekeeping_thread_;
  std::optional<BackgroundThread> flusher_thread_;
  std::optional<BackgroundThread> recycling_thread_;
};

RecordingRing::RecordingRing(RingOptions options, RingLock lock, std::unique_ptr<RingFile> file,
                             RingIdentity identity, BootId boot_id, RecoveredRing recovered)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      file_(std::move(file)),
      catalog_(std::move(recovered.catalog)),
      report_(std::move(recovered.report)),
      exchanges_(options_.lanes),
      housekeeping_(*file_, *catalog_, exchanges_, std::move(recovered.totals)),
      flusher_(*file_, *catalog_, exchanges_, pressure_) {
  make_lanes(identity, boot_id, recovered.clock_generation);
  mark_recycling(identity.ring_id);
}

Status RecordingRing::start() {
  file_->expect_writes();
  keep_house();
  // No head of a last use may be on disk when the blocks of the next come there (recovery.cpp).
  if (auto synced = file_->sync(); !synced) return synced;
  for (const LaneExchange& exchange : exchanges_) {
    if (exchange.prepared.size() != 0) continue;
    return Error(
        fmt::format("{}: no segment can be written: see the errors above", options_.path.string()));
  }
  housekeeping_thread_.emplace("ring-house", wake_housekeeping_, [this] { return keep_house(); });
  flusher_thread_.emplace("ring-flush", wake_flusher_, [this] { return flush(); });
  if (recycle_mark_)
    recycling_thread_.emplace("ring-mark", wake_recycling_, [this] { return allow_recycling(); });
  return {};
}

void RecordingRing::make_lanes(const RingIdentity& identity, BootId boot_id,
                               std::uint32_t clock_generation) {
  const auto interfaces = std::make_shared<const InterfaceList>(options_.interfaces);
  for (unsigned index = 0; index < options_.lanes; ++index) {
    lanes_.emplace_back(
        LaneSurroundings{file_->bytes(), file_->descriptor(), file_->direct(), file_->guard(),
                         *catalog_, wake_housekeeping_, wake_flusher_, pressure_,
                         exchanges_[index]},
        SegmentIdentity{.ring_id = identity.ring_id,
                        .segment_bytes = static_cast<std::uint32_t>(identity.segment_bytes),
                        .lane = index,
                        .boot_id = boot_id,
                        .clock_generation = clock_generation,
                        .wall_offset_ns = options_.wall_offset_ns,
                        .node = options_.node},
        interfaces);
  }
}

RecordingRing::~RecordingRing() {
  if (auto closed = close(); !closed) report_error(closed.error().message());
}

std::chrono::milliseconds RecordingRing::keep_house() {
  while (housekeeping_.work()) {
  }
  if (recycle_mark_ && catalog_->wanted_recycling()) wake_recycling_.notify();
  return kHousekeepingInterval;
}

/// Before anything is recycled. A ring without the mark is recycled all the same.
void RecordingRing::mark_recycling(std::uint64_t ring_id) {
  if (file_->geometry().segments <= kMaxUnmarkedSegments) {
    RecycleMark::remove(options_.path);
    return;
  }
  auto mark = RecycleMark::open(options_.path, ring_id);
  if (!mark) {
    report_error(fmt::format("{}; after a power cut segments may be taken for what they are not",
                             mark.error().message()));
    return;
  }
  recycle_mark_ = *std::move(mark);
  catalog_->allow_recycling(RecycleMark::read(options_.path, ring_id));
  allow_recycling();
}

/// Its own thread's, as the disk may take long. One that fails does not stop the record: what it
/// had got in time is in doubt anyway.
std::chrono::milliseconds RecordingRing::allow_recycling() {
  if (const auto wanted = catalog_->wanted_recycling()) {
    if (auto written = recycle_mark_->write(*wanted); !written)
      report_error(written.error().message());
    catalog_->allow_recycling(*wanted);
    wake_housekeeping_.notify();
  }
  return kHousekeepingInterval;
}

std::chrono::milliseconds RecordingRing::flush() {
  if (auto flushed = flusher_.flush(); !flushed) report_error(flushed.error().message());
  const auto interval =
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.sync_interval);
  return std::max(flusher_.hurries() ? kHurriedInterval : interval, std::chrono::milliseconds(1));
}

Status RecordingRing::close() {
  if (std::exchange(closed_, true)) return {};
  for (Lane& lane : lanes_)
    lane.retire();
  housekeeping_thread_.reset();
  flusher_thread_.reset();
  recycling_thread_.reset();
  housekeeping_.finish();
  if (auto flushed = flusher_.flush(); !flushed) return flushed;
  return flusher_.flush();  // the synced frontiers that the first one wrote
}

LaneStatus RecordingRing::lane_status(std::size_t index) const {
  const LaneExchange& exchange = exchanges_[index];
  return {.sequence = exchange.sequence.load(std::memory_order_relaxed),
          .packets = housekeeping_.sealed_packets(index),
          .runs = exchange.runs.load(std::memory_order_relaxed),
          .bytes = exchange.bytes.load(std::memory_order_relaxed),
          .complete_until_ns = exchange.complete_until_ns.load(std::memory_order_relaxed)};
}

RingStatus RecordingRing::status() const {
  RingStatus status;
  status.path = options_.path.string();
  status.size_bytes = file_->geometry().ring_bytes();
  status.segment_bytes = file_->geometry().segment_bytes;
  catalog_->describe(status);
  status.durable_until_ns = flusher_.durable_until_ns();
  status.complete_until_ns = std::numeric_limits<std::int64_t>::max();
  status.complete_until_monotonic_ns = status.complete_until_ns;
  status.wall_offset_ns = exchanges_.front().wall_offset_ns.load(std::memory_order_relaxed);
  for (std::size_t index = 0; index < exchanges_.size(); ++index) {
    status.lanes.push_back(lane_status(index));
    status.complete_until_ns =
        std::min(status.complete_until_ns, status.lanes.back().complete_until_ns);
    status.complete_until_monotonic_ns =
        std::min(status.complete_until_monotonic_ns,
                 exchanges_[index].complete_until_monotonic_ns.load(std::memory_order_acquire));
    const std::int64_t since_ns = exchanges_[index].active_since_ns.load(std::memory_order_relaxed);
    if (since_ns == 0) continue;
    if (status.oldest_ns == 0) status.oldest_ns = since_ns;
    status.newest_ns =
        std::max(status.newest_ns, exchanges_[index].newest_ns.load(std::memory_order_relaxed));
  }
  return status;
}

Status check_lanes(const RingOptions& options, const Geometry& geometry) {
  if (options.lanes >= 1 && options.lanes * kSegmentsPerLane <= geometry.segments) return {};
  return Error(fmt::format(
      "{} lanes do not fit a ring of {} segments: take at most {}, or a larger storageSize",
      options.lanes, geometry.segments, geometry.segments / kSegmentsPerLane));
}

std::uint64_t random_id() {
  std::uint64_t id = 0;
  [[maybe_unused]] const ssize_t got = ::getrandom(&id, sizeof id, 0);
  return id;
}

/// A ring's file with what was found in it, before anything is written.
struct OpenedFile {
  Fd fd;
  bool created = false;
  RingIdentity identity;
  Geometry geometry;
  std::vector<FoundSegment> found;
};

Result<OpenedFile> create_file(Fd fd, const RingOptions& options) {
  auto geometry = plan_geometry(options.storage_bytes);
  if (!geometry) return std::move(geometry).error();
  return OpenedFile{std::move(fd), true, {random_id(), geometry->segment_bytes}, *geometry, {}};
}

Result<OpenedFile> open_file(const RingOptions& options) {
  auto fd = RingFile::open_descriptor(options.path);
  if (!fd) return std::move(fd).error();
  auto identity = identify_ring(fd->get(), options.path);
  if (!identity) return std::move(identity).error();
  if (!*identity) return create_file(*std::move(fd), options);
  auto geometry = resize_geometry((*identity)->segment_bytes, options.storage_bytes);
  if (!geometry) return std::move(geometry).error();
  auto found = scan_segments(fd->get(), **identity);
  return OpenedFile{*std::move(fd), false, **identity, *geometry, std::move(found)};
}

Result<std::unique_ptr<RingFile>> map_file(OpenedFile& opened, const RingOptions& options) {
  if (opened.created) {
    auto blank = RingFile::write_first_blank(opened.fd.get(), opened.geometry.segment_bytes);
    if (!blank) return std::move(blank).error().context(options.path.string());
  }
  return RingFile::map(std::move(opened.fd), options.path, opened.geometry);
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::open(RingOptions options) {
  if (auto planned = plan_geometry(options.storage_bytes); !planned)
    return std::move(planned).error();
  std::vector<std::string> notes;
  if (auto ready = prepare_data_directory(options.path.parent_path(), notes); !ready) {
    return std::move(ready).error();
  }
  auto lock = RingLock::acquire(options.path, options.lock_wait);
  if (!lock) return std::move(lock).error();
  auto opened = open_file(options);
  if (!opened) return std::move(opened).error();
  if (auto fits = check_lanes(options, opened->geometry); !fits) return std::move(fits).error();
  if (auto fits = check_space(options.path, opened->geometry.ring_bytes()); !fits) {
    return std::move(fits).error();
  }
  auto file = map_file(*opened, options);
  if (!file) return std::move(file).error();

  const BootId boot_id = parse_boot_id(caprock::boot_id());
  const bool unmarked = opened->geometry.segments <= kMaxUnmarkedSegments;
  RecoveredRing recovered = recover(
      **file, std::move(opened->found),
      {.boot_id = boot_id,
       .wall_offset_ns = options.wall_offset_ns,
       .lanes = options.lanes,
       .recycled_before = unmarked ? std::numeric_limits<std::uint64_t>::max()
                                   : RecycleMark::read(options.path, opened->identity.ring_id)});
  recovered.report.created = opened->created;
  recovered.report.ring_id = opened->identity.ring_id;
  recovered.report.notes.insert(recovered.report.notes.begin(), notes.begin(), notes.end());
  if (recovered.report.recovered != 0) {
    if (auto synced = (*file)->sync(); !synced) return std::move(synced).error();
  }
  auto ring =
      std::make_unique<RecordingRing>(std::move(options), *std::move(lock), *std::move(file),
                                      opened->identity, boot_id, std::move(recovered));
  if (auto started = ring->start(); !started) return std::move(started).error();
  return std::unique_ptr<Ring>(std::move(ring));
}

}  // namespace caprock::store
