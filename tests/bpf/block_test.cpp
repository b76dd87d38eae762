// SPDX-License-Identifier: Apache-2.0
// The block that a recorded packet becomes.
#include "abi/block.h"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/limits.h"

#include "core/clock.hpp"
#include "expected_block.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

ByteVector udp(std::size_t payload_bytes) {
  return packet().ethernet().ipv4().udp().payload(payload_bytes);
}

}  // namespace

TEST_CASE("block: every length of packet is padded with zeros and a multiple of 8 long") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kXdp, Hook::kMirror);
  for (std::size_t payload = 0; payload < 16; ++payload) {
    rig.run(hook, udp(payload));
    const auto blocks = rig.take_blocks();
    REQUIRE(blocks.size() == 1);
    CHECK(blocks[0] == block_bytes({.packet = udp(payload)}, blocks[0]));
    CHECK(blocks[0].size() % 8 == 0);
  }
}

TEST_CASE("block: what an earlier packet left in the memory does not show in the padding") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.run(Hook::kTcIngress, udp(3000), 8000);  // more than the queue holds: all of it is written
  rig.take_blocks();
  rig.run(Hook::kTcIngress, udp(0));  // takes the dropcount
  rig.take_blocks();
  for (std::size_t payload = 1; payload < 400; ++payload) {
    rig.run(Hook::kTcIngress, udp(payload));
    const auto blocks = rig.take_blocks();
    REQUIRE(blocks.size() == 1);
    REQUIRE(blocks[0] == block_bytes({.packet = udp(payload)}, blocks[0]));
  }
}

TEST_CASE("block: the snaplen cuts what is captured, not what is said of the original") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kXdp, Hook::kMirror);
  const std::uint32_t snaplen = GENERATE(64u, 65u, 66u, 67u, 1000u);
  auto settings = rig.settings();
  settings.snaplen = snaplen;
  rig.set_settings(settings);
  const ByteVector whole = udp(1200);
  rig.run(hook, whole);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0] ==
        block_bytes({.packet = cut(whole, snaplen), .original_bytes = whole.size()}, blocks[0]));
  const auto count = rig.counted(hook);
  CHECK(count.truncated == 0);
  CHECK(count.original_bytes == whole.size());
  CHECK(count.captured_bytes == snaplen);
}

TEST_CASE("block: a snaplen below the least one is taken as that") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  auto settings = rig.settings();
  settings.snaplen = 1;
  rig.set_settings(settings);
  rig.run(Hook::kTcIngress, udp(200));
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(captured_bytes(blocks[0]) == CAPROCK_MIN_SNAPLEN);
}

TEST_CASE("block: the time is the wall clock's at the moment of capture") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  constexpr std::uint64_t kSlack =
      1'000'000;  // ns: the wall clock is slewed against the monotonic one
  const auto before = static_cast<std::uint64_t>(wall_ns());
  rig.run(Hook::kTcIngress, udp(10));
  const auto after = static_cast<std::uint64_t>(wall_ns());
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(block_time(blocks[0]) + kSlack >= before);
  CHECK(block_time(blocks[0]) <= after + kSlack);
}

TEST_CASE("block: a packet of several segments says so") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector large = packet().ethernet().ipv4().tcp().payload(3000);
  rig.run_segmented(Hook::kTcEgress, large);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  const std::uint32_t flags = EPB_OUTBOUND | EPB_SEGMENTATION_OFFLOAD;
  CHECK(blocks[0] == block_bytes({.packet = large, .flags = flags}, blocks[0]));
}

TEST_CASE("block: packets of any size, beyond 64 KiB too, are recorded whole") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  // Around the ends of the size classes and of what the kernel copies at once; the last is about
  // the most that a test run takes.
  const std::size_t payload =
      GENERATE(1546u, 1547u, 4042u, 4043u, 16330u, 16331u, 65481u, 65482u, 65546u, 65547u, 68000u);
  const bool ipv4 = GENERATE(true, false);
  const ByteVector large = ipv4 ? packet().ethernet().ipv4().tcp().payload(payload).bytes()
                                : packet().ethernet().ipv6().tcp().payload(payload).bytes();
  if (!rig.runs(Hook::kXdp, large)) SKIP("XDP has no frames of several buffers here (5.18)");
  rig.run(Hook::kXdp, large);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0] == block_bytes({.packet = large}, blocks[0]));
}

}  // namespace caprock::test
