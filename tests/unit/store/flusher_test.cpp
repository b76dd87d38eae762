// SPDX-License-Identifier: Apache-2.0
// When it syncs, what lanes do meanwhile, and what becomes of a record whose sync failed.
#include "store/flusher.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "disk_hook.hpp"
#include "recorder.hpp"
#include "store/format.hpp"
#include "store/segment_file.hpp"

namespace {

std::atomic<bool> g_disk_fails{false};
std::atomic<unsigned> g_syncs{0};
std::atomic<bool> g_disk_waits{false};  // each sync, until this is false
std::atomic<bool> g_waiting{false};
std::atomic<bool> g_syncing{false};
std::atomic<int> g_sync_ms{0};  // each sync takes so long

}  // namespace

/// In place of the C library's: a disk that fails on demand.
extern "C" int fdatasync(int fd) {
  const bool fails = g_disk_fails;
  g_syncing = true;
  while (g_disk_waits) {
    g_waiting = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  g_waiting = false;
  std::this_thread::sleep_for(std::chrono::milliseconds(g_sync_ms));
  const long result = fails ? -1 : ::syscall(SYS_fdatasync, fd);
  if (fails) errno = EIO;
  g_syncing = false;
  ++g_syncs;
  return static_cast<int>(result);
}

namespace caprock::store {
namespace {

using test::append_all;
using test::comes_true;
using test::PacketStream;
using test::TemporaryDirectory;

void wait_for_syncs(unsigned count) {
  const unsigned wanted = g_syncs + count;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (g_syncs < wanted && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  REQUIRE(g_syncs >= wanted);
}

/// A ring with a record that was durable, and more of it since, whose sync failed.
class FailedSync {
 public:
  explicit FailedSync(bool mended = true) {
    record(100);
    wait_for_syncs(2);  // the bytes, and their mark
    settle();
    before_ = head(0);
    durable_ns_ = ring_->status().durable_until_ns;
    g_disk_fails = true;
    record(100);
    wait_for_syncs(1);
    settle();
    g_disk_fails = !mended;
  }
  ~FailedSync() { g_disk_fails = false; }

  void record(std::size_t packets) {
    append_all(ring_->lane(0), stream_.next(packets));
    ring_->lane(0).set_complete_until(stream_.time_of(stream_.count()));
  }

  /// So long that every sync that is due has come and gone, with a lane that looks at its sources.
  void settle() {
    for (int i = 0; i < 100; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ring_->lane(0).settle();
    }
  }

  SegmentHead head(std::size_t index) const {
    const auto bytes = test::read_file(directory_ / "ring.pcapng");
    return load<SegmentHead>(bytes, index * test::kMebibyte + kSegmentHeadOffset);
  }

  Ring& ring() { return *ring_; }
  const SegmentHead& before() const { return before_; }
  std::int64_t durable_ns() const { return durable_ns_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Ring> ring_ = test::open_ring(test::small_ring(directory_ / "ring.pcapng"));
  PacketStream stream_;
  SegmentHead before_{};
  std::int64_t durable_ns_ = 0;
};

TEST_CASE("flusher: into an active segment only its lane stores, also how far it is durable") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = test::open_ring(test::small_ring(path));
  PacketStream stream;
  append_all(ring->lane(0), stream.next(100));
  ring->lane(0).set_complete_until(stream.time_of(100));
  const auto synced = [&] {
    return load<SegmentHead>(test::read_file(path), kSegmentHeadOffset).synced_frontier;
  };
  wait_for_syncs(3);
  CHECK(synced() == 0);
  CHECK(ring->status().durable_until_ns == 0);
  ring->lane(0).settle();
  CHECK(synced() != 0);
  CHECK(comes_true([&] {
    ring->lane(0).settle();
    return ring->status().durable_until_ns == stream.time_of(100);
  }));
}

bool has_direct_io(const std::filesystem::path& path) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  return DirectFile::open(file.get()).has_value();
}

/// Whether a long batch, appended now, is on its way to disk directly.
bool goes_direct(Ring& ring, PacketStream& stream, bool urgent = false) {
  PacketBatch batch = stream.next(300);
  batch.urgent = urgent;
  const bool direct = ring.lane(0).append(batch);
  const std::uint64_t end = batch.pieces[0].end_position;
  const std::uint64_t done = ring.lane(0).settle();
  const BlockPiece rest{batch.pieces[0].bytes.last(end - done), end};
  if (done != end) append_all(ring.lane(0), {batch.source, done, {&rest, 1}});
  return direct;
}

/// No sync is going on, and none comes.
void await_rest(Ring& ring) {
  const auto rests = [&] {
    ring.lane(0).settle();  // writes the marks of the last sync
    const unsigned before = g_syncs;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return !g_syncing && g_syncs == before;
  };
  REQUIRE(comes_true(rests));
}

/// How many syncs there were when for a while there was no other one.
unsigned syncs_at_rest() {
  unsigned before = 0;
  REQUIRE(comes_true([&] {
    before = g_syncs;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return g_syncs == before;
  }));
  return before;
}

TEST_CASE("flusher: a sync follows what a source has room for, not the clock alone") {
  const TemporaryDirectory directory;
  auto options = test::small_ring(directory / "ring.pcapng");
  options.sync_interval = std::chrono::hours(1);
  const unsigned at_first = g_syncs;
  const auto ring = test::open_ring(options);
  PacketStream stream;
  append_all(ring->lane(0), stream.next(1));
  REQUIRE(comes_true([&] { return g_syncs > at_first; }));
  const unsigned before = syncs_at_rest();
  for (int mib = 0; mib < 15; ++mib)
    append_all(ring->lane(0), stream.next(1000));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(g_syncs == before);
  for (int mib = 15; mib < 18; ++mib)
    append_all(ring->lane(0), stream.next(1000));
  CHECK(comes_true([&] { return g_syncs > before; }));
}

/// Says that the disk is behind until lanes copy for longer than a sync lasts: in a sync it says
/// nothing.
bool falls_behind(Ring& ring, PacketStream& stream) {
  return comes_true([&] {
    if (goes_direct(ring, stream, true)) return false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (std::chrono::steady_clock::now() < end) {
      if (goes_direct(ring, stream)) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  });
}

TEST_CASE("flusher: while it syncs, and while the disk has a backlog, lanes do not wait for it") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = test::open_ring(test::small_ring(path));
  PacketStream stream;
  if (!has_direct_io(path)) SKIP("the file system has no direct I/O");
  REQUIRE(comes_true([&] { return goes_direct(*ring, stream); }));
  SECTION("a sync") {
    g_disk_waits = true;
    append_all(ring->lane(0), stream.next(1));
    const bool waits = comes_true([] { return g_waiting.load(); });
    const bool holds_long = ring->lane(0).holds_back(1 << 20);
    const bool holds_short = ring->lane(0).holds_back(1000);
    const bool direct = goes_direct(*ring, stream);
    g_disk_waits = false;
    CHECK(waits);
    CHECK(holds_long);
    CHECK_FALSE(holds_short);
    CHECK_FALSE(direct);
    CHECK(comes_true([&] { return goes_direct(*ring, stream); }));
    await_rest(*ring);
    CHECK_FALSE(ring->lane(0).holds_back(1 << 20));
  }
  SECTION("a backlog") {
    g_disk_fails = true;  // no sync says that it is gone
    CHECK(falls_behind(*ring, stream));
    g_disk_fails = false;
    CHECK(comes_true([&] { return goes_direct(*ring, stream); }));
  }
  SECTION("a backlog that no more comes to") {
    g_sync_ms = 60;
    CHECK(falls_behind(*ring, stream));
    CHECK(comes_true([&] { return goes_direct(*ring, stream); }));  // though no sync is short
    g_sync_ms = 0;
  }
}

TEST_CASE("flusher: bytes whose sync failed are not durable by the next sync that succeeds") {
  FailedSync failed;
  REQUIRE(failed.before().synced_frontier != 0);
  REQUIRE(failed.durable_ns() != 0);
  failed.record(100);
  failed.settle();
  CHECK(failed.head(0).synced_frontier == failed.before().synced_frontier);
  CHECK(failed.ring().status().durable_until_ns == failed.durable_ns());
}

TEST_CASE("flusher: after a failed sync the next segment is durable again") {
  FailedSync failed;
  failed.record(100);
  failed.settle();
  failed.ring().lane(0).reveal();  // as a lane does every second
  failed.record(100);
  failed.settle();
  CHECK(comes_true([&] { return failed.head(0).foot != 0; }));
  CHECK(failed.head(0).synced_frontier == failed.before().synced_frontier);
  CHECK(failed.head(1).synced_frontier == failed.head(1).frontier);
}

TEST_CASE(
    "flusher: what a failed sync left in memory alone is written again when the disk is back") {
  FailedSync failed;
  static_cast<void>(test::take_written());
  failed.settle();
  failed.ring().lane(0).reveal();  // the segment is left
  failed.record(100);
  failed.settle();
  const std::uint64_t foot = failed.head(0).foot;
  REQUIRE(foot != 0);
  const std::set<off_t> written = test::take_written();
  for (std::uint64_t page = 0; page < foot; page += kPageBytes) {
    INFO("page at " << page);
    CHECK(written.contains(static_cast<off_t>(page)));
  }
}

TEST_CASE("flusher: a disk that goes on failing does not use the ring up") {
  FailedSync failed(false);
  wait_for_syncs(3);
  failed.ring().lane(0).reveal();
  CHECK(failed.head(0).foot == 0);
}

TEST_CASE("flusher: when what was in doubt has been recycled, all of the ring is durable again") {
  FailedSync failed;
  failed.record(100);
  failed.settle();
  for (int i = 0; i < 40; ++i)
    failed.record(900);  // two laps
  CHECK(comes_true([&] {
    failed.settle();
    return failed.ring().status().durable_until_ns == failed.ring().status().complete_until_ns;
  }));
}

}  // namespace
}  // namespace caprock::store
