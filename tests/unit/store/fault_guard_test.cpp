// SPDX-License-Identifier: Apache-2.0
#include "store/fault_guard.hpp"

#include <sys/mman.h>
#include <sys/wait.h>

#include "core/mapping.hpp"
#include "recorder.hpp"
#include "store/ring_file.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

TEST_CASE("fault guard: a store beyond a truncation is absorbed, and its unit counts as lost") {
  const TemporaryDirectory directory;
  auto fd = RingFile::open_descriptor(directory / "file");
  REQUIRE(fd);
  REQUIRE(ftruncate(fd->get(), 4 * kMebibyte) == 0);
  const auto mapping = Mapping::shared(fd->get(), 4 * kMebibyte, PROT_READ | PROT_WRITE);
  REQUIRE(mapping);
  const auto guard = FaultGuard::protect(mapping->bytes(), kMebibyte);
  REQUIRE(guard);
  mapping->bytes()[0] = std::byte{1};
  REQUIRE(ftruncate(fd->get(), 2 * kMebibyte) == 0);

  const_cast<volatile std::byte&>(mapping->bytes()[3 * kMebibyte + 5]) = std::byte{2};
  CHECK((*guard)->lost(3));
  CHECK_FALSE((*guard)->lost(2));
  CHECK_FALSE((*guard)->lost(0));
  CHECK(mapping->bytes()[0] == std::byte{1});
  CHECK(mapping->bytes()[3 * kMebibyte + 5] == std::byte{2});
}

TEST_CASE("fault guard: a fault elsewhere still ends the process") {
  const TemporaryDirectory directory;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGBUS, SIG_DFL);  // what a test framework or sanitizer has put there
    auto fd = RingFile::open_descriptor(directory / "file");
    const auto mapping = Mapping::shared(fd->get(), 2 * kMebibyte, PROT_READ | PROT_WRITE);
    const auto guard = FaultGuard::protect(mapping->bytes().first(kMebibyte), kMebibyte);
    const_cast<volatile std::byte&>(mapping->bytes()[kMebibyte]) = std::byte{1};
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK((WIFSIGNALED(status) || WEXITSTATUS(status) != 0));
}

TEST_CASE("ring: truncated under the recorder, it loses a segment and goes on") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  std::uint64_t before = 0;
  {
    const auto ring = open_ring(small_ring(path));
    append_all(ring->lane(0), packets.next(500));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // no preparation under way
    REQUIRE(truncate(path.c_str(), 4096) == 0);
    before = packets.count();
    for (int i = 0; i < 40; ++i)
      append_all(ring->lane(0), packets.next(100));
    REQUIRE(ring->close());
  }
  const auto ring = open_ring(small_ring(path));
  REQUIRE(ring->close());
  const WalkedFile file = walk(read_file(path));
  std::uint64_t after = 0;
  for (const std::int64_t time : file.packet_times)
    after += time >= PacketStream::time_of(before) ? 1 : 0;
  CHECK(file.fault.empty());
  CHECK(after == packets.count() - before);
}

}  // namespace
}  // namespace caprock::store::test
