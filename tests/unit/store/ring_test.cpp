// SPDX-License-Identifier: Apache-2.0
#include "store/ring.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "recorder.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

TEST_CASE("ring: what was appended is in the file, in order and once") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    CHECK(ring->recovery().created);
    for (int i = 0; i < 100; ++i)
      append_all(ring->lane(0), packets.next(20));
    REQUIRE(ring->close());
  }
  const WalkedFile file = walk(read_file(path));
  REQUIRE(file.fault.empty());
  REQUIRE(file.packet_times.size() == packets.count());
  for (std::uint64_t i = 0; i < packets.count(); ++i) {
    REQUIRE(file.packet_times[i] == PacketStream::time_of(i));
  }
}

TEST_CASE("ring: file and directory are readable by their owner alone") {
  const TemporaryDirectory directory;
  const auto path = directory / "new" / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  REQUIRE(stat(path.parent_path().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
}

TEST_CASE("ring: the file grows with the segments in use, its space is taken at once") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK(info.st_size < static_cast<off_t>(16 * kMebibyte));
  CHECK(info.st_blocks * 512 >= static_cast<off_t>(16 * kMebibyte));
}

TEST_CASE("ring: after several laps it holds the newest packets without a gap") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    for (int i = 0; i < 500; ++i)
      append_all(ring->lane(0), packets.next(100, 1400));
    CHECK(ring->status().laps >= 3);
    REQUIRE(ring->close());
  }
  CHECK(std::filesystem::file_size(path) == 16 * kMebibyte);
  WalkedFile file = walk(read_file(path));
  REQUIRE(file.fault.empty());
  std::sort(file.packet_times.begin(), file.packet_times.end());
  REQUIRE(file.packet_times.size() > 10 * kMebibyte / 1450);
  CHECK(file.packet_times.back() == PacketStream::time_of(packets.count() - 1));
  for (std::size_t i = 1; i < file.packet_times.size(); ++i) {
    REQUIRE(file.packet_times[i] == file.packet_times[i - 1] + 1000);
  }
}

}  // namespace
}  // namespace caprock::store::test
