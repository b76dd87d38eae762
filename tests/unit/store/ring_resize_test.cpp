// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "recorder.hpp"
#include "store/ring_view.hpp"
#include "store/verify.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

/// Records so many MiB and closes.
void record(const RingOptions& options, PacketStream& packets, std::uint64_t mebibytes) {
  const auto ring = open_ring(options);
  const std::uint64_t end = packets.position() + mebibytes * kMebibyte;
  while (packets.position() < end)
    append_all(ring->lane(0), packets.next(100));
  REQUIRE(ring->close());
}

std::vector<std::int64_t> recorded_times(const RingOptions& options) {
  WalkedFile file = walk(read_file(options.path));
  REQUIRE(file.fault.empty());
  std::sort(file.packet_times.begin(), file.packet_times.end());
  return file.packet_times;
}

void expect_whole(const std::filesystem::path& path) {
  const auto report = verify(path);
  REQUIRE(report);
  for (const Damage& damage : report->damage)
    UNSCOPED_INFO("segment " << damage.index << ": " << damage.what);
  CHECK(report->whole());
}

TEST_CASE("ring: opened again, it goes on behind what was recorded") {
  const TemporaryDirectory directory;
  const RingOptions options = small_ring(directory / "ring.pcapng");
  PacketStream packets;
  record(options, packets, 3);
  record(options, packets, 3);
  CHECK(recorded_times(options).size() == packets.count());
  const auto ring = open_ring(options);
  CHECK_FALSE(ring->recovery().created);
  CHECK(ring->recovery().recovered == 0);
  CHECK(ring->recovery().damaged == 0);
}

TEST_CASE("ring: it grows in place and keeps everything") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  PacketStream packets;
  record(options, packets, 8);
  options.storage_bytes = 32 * kMebibyte;
  record(options, packets, 16);
  CHECK(recorded_times(options).size() == packets.count());
}

TEST_CASE("ring: it shrinks, drops what lies beyond, says so, and gives the space back") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.storage_bytes = 31 * kMebibyte;
  PacketStream packets;
  record(options, packets, 24);
  options.storage_bytes = 17 * kMebibyte;
  {
    const auto ring = open_ring(options);
    CHECK(ring->recovery().dropped >= 7);
    REQUIRE(ring->recovery().notes.size() == 1);
    CHECK(ring->status().size_bytes == 17 * kMebibyte);
  }
  struct stat info {};
  REQUIRE(stat(options.path.c_str(), &info) == 0);
  CHECK(info.st_size <= static_cast<off_t>(17 * kMebibyte));
  CHECK(info.st_blocks * 512 < static_cast<off_t>(18 * kMebibyte));

  CHECK(recorded_times(options).size() > 12 * kMebibyte / 1100);
  record(options, packets, 20);
  CHECK(recorded_times(options).back() == PacketStream::time_of(packets.count() - 1));
}

TEST_CASE("ring: what laps beside a pin, a smaller and a larger size leave is whole") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.storage_bytes = 31 * kMebibyte;
  PacketStream packets;
  {
    const auto ring = open_ring(options);
    append_all(ring->lane(0), packets.next(3000));
    REQUIRE(ring->pin(1));
    while (packets.position() < 75 * kMebibyte)
      append_all(ring->lane(0), packets.next(100));
    REQUIRE(ring->close());
  }
  expect_whole(options.path);
  options.storage_bytes = 17 * kMebibyte;
  record(options, packets, 6);
  expect_whole(options.path);
  options.storage_bytes = 31 * kMebibyte;
  record(options, packets, 20);
  expect_whole(options.path);
}

TEST_CASE("ring: zeros over a segment are found on a later lap too") {
  const TemporaryDirectory directory;
  const RingOptions options = small_ring(directory / "ring.pcapng");
  PacketStream packets;
  record(options, packets, 40);
  const SegmentInfo lost = RingView::open(options.path)->segments()[8];
  std::fstream file(options.path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(lost.index * kMebibyte));
  file << std::string(kMebibyte, '\0') << std::flush;
  const auto report = verify(options.path);
  REQUIRE(report);
  REQUIRE(report->damage.size() == 1);
  CHECK(report->damage[0].index == lost.index);
  CHECK(report->damage[0].sequence == lost.sequence);
}

TEST_CASE("ring: a ring in which nothing was recorded may change its segment size") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.storage_bytes = 128 * kMebibyte;
  CHECK(open_ring(options)->status().segment_bytes == 8 * kMebibyte);
  options.storage_bytes = 16 * kMebibyte;
  CHECK(open_ring(options)->status().segment_bytes == kMebibyte);
}

TEST_CASE("ring: a ring with a record is not shrunk below 16 of its segments") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.storage_bytes = 128 * kMebibyte;
  PacketStream packets;
  record(options, packets, 1);
  options.storage_bytes = 64 * kMebibyte;
  const auto refused = Ring::open(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("at least 128 MiB") != std::string::npos);
}

}  // namespace
}  // namespace caprock::store::test
