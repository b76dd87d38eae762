// SPDX-License-Identifier: Apache-2.0
#include "store/ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "core/fd.hpp"
#include "core/mapping.hpp"
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

TEST_CASE("ring: what was recorded while the clock was ahead is recycled in its turn") {
  const TemporaryDirectory directory;
  const auto ring = open_ring(small_ring(directory / "ring.pcapng"));
  const std::int64_t ahead_ns = PacketStream::time_of(0) + 1'000'000'000'000'000'000;
  PacketStream ahead(0, ahead_ns);
  append_all(ring->lane(0), ahead.next(2000));
  PacketStream packets(1);
  for (int i = 0; i < 40; ++i)
    append_all(ring->lane(0), packets.next(1000));
  REQUIRE(ring->close());
  const WalkedFile walked = walk(read_file(directory / "ring.pcapng"));
  CHECK(std::ranges::none_of(walked.packet_times,
                             [&](std::int64_t time_ns) { return time_ns >= ahead_ns; }));
}

TEST_CASE("ring: for other readers it is valid at every step, and complete up to the last reveal") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  PacketStream packets;
  CHECK(walk(read_file(path)).fault.empty());
  for (int i = 0; i < 150; ++i) {
    append_all(ring->lane(0), packets.next(20));
    const WalkedFile before = walk(read_file(path));
    REQUIRE(before.fault.empty());
    ring->lane(0).reveal();
    // Of a segment that is left, when housekeeping comes to it.
    REQUIRE(comes_true([&] {
      const WalkedFile after = walk(read_file(path));
      REQUIRE(after.fault.empty());
      return after.packet_times.size() == packets.count();
    }));
  }
}

TEST_CASE("ring: for other readers it is valid wherever a reveal finds the frontier") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  PacketStream packets;
  for (int eighth = 0; eighth < 8; ++eighth) {
    append_all(ring->lane(0), packets.next(28, 4000));  // some 10 KB before its end
    for (int i = 0; i < 120; ++i) {
      append_all(ring->lane(0), packets.next(1, 8 + i % 40));
      REQUIRE(walk(read_file(path)).fault.empty());
      ring->lane(0).reveal();
      const WalkedFile revealed = walk(read_file(path));
      REQUIRE(revealed.fault.empty());
      REQUIRE(revealed.packet_times.size() == packets.count());
    }
  }
  REQUIRE(ring->close());
  REQUIRE(walk(read_file(path)).fault.empty());
}

TEST_CASE(
    "ring: a reveal leaves most of the free space alone, which a foreign reader may be inside") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  PacketStream packets;
  const auto behind_first_eighth = [&] {
    const std::vector<std::byte> file = read_file(path);
    constexpr std::size_t kAt = kMebibyte / 8 + 16;
    return std::vector<std::byte>(file.begin() + kAt, file.begin() + kMebibyte);
  };
  append_all(ring->lane(0), packets.next(20));
  ring->lane(0).reveal();
  const std::vector<std::byte> free_space = behind_first_eighth();
  for (int i = 0; i < 4; ++i) {
    append_all(ring->lane(0), packets.next(20));
    ring->lane(0).reveal();
    CHECK(behind_first_eighth() == free_space);
  }
}

TEST_CASE("ring: a pinned segment stays while the ring is lapped") {
  const TemporaryDirectory directory;
  const auto ring = open_ring(small_ring(directory / "ring.pcapng"));
  PacketStream packets;
  append_all(ring->lane(0), packets.next(1));
  const std::uint64_t sequence = ring->status().lanes[0].sequence;
  REQUIRE(ring->pin(sequence));
  while (ring->status().laps < 2)
    append_all(ring->lane(0), packets.next(500));
  CHECK_FALSE(ring->pin_broken(sequence));
  CHECK(ring->pin(sequence));
  ring->unpin(sequence);
  ring->unpin(sequence);
  const std::uint64_t laps = ring->status().laps;
  while (ring->status().laps < laps + 2)
    append_all(ring->lane(0), packets.next(500));
  CHECK_FALSE(ring->pin(sequence));
}

std::uint64_t bytes_in_memory(const std::filesystem::path& path) {
  const Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  const auto mapping = Mapping::shared(fd.get(), std::filesystem::file_size(path), PROT_READ);
  REQUIRE(mapping);
  std::vector<unsigned char> pages(mapping->size() / 4096);
  REQUIRE(mincore(mapping->data(), mapping->size(), pages.data()) == 0);
  return 4096 * static_cast<std::uint64_t>(std::count_if(
                    pages.begin(), pages.end(), [](auto page) { return (page & 1) != 0; }));
}

TEST_CASE("ring: a sealed segment that is durable holds no memory") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.storage_bytes = 31 * kMebibyte;
  const auto ring = open_ring(options);
  PacketStream packets;
  while (ring->status().laps < 2)
    append_all(ring->lane(0), packets.next(200));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (bytes_in_memory(options.path) > 12 * kMebibyte) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace
}  // namespace caprock::store::test
