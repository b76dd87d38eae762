// SPDX-License-Identifier: Apache-2.0
// The stage's segments: no block crosses one, none is written before it was read.
#include "abi/stage.h"

#include <catch2/catch_test_macros.hpp>

#include "expected_block.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

ByteVector numbered_packet(std::uint16_t number) {
  return packet().ethernet().ipv4().udp(number, 53).payload(1 + number % 1400);
}

}  // namespace

TEST_CASE("stage: over many laps every block comes out once, whole and in order") {
  Rig& rig = Rig::fresh(Transport::kStage);
  const std::uint64_t laps = 3;
  std::uint64_t bytes = 0;
  std::uint16_t number = 0;
  while (bytes < laps * rig.programs().geometry().cpu_bytes()) {
    const auto first = number;
    for (unsigned i = 0; i < 500; ++i)
      rig.run(Hook::kTcIngress, numbered_packet(number++));
    const auto blocks = rig.take_blocks();
    REQUIRE(blocks.size() == 500);
    for (std::uint16_t i = 0; i < 500; ++i) {
      const ByteVector packet = numbered_packet(static_cast<std::uint16_t>(first + i));
      REQUIRE(blocks[i] == block_bytes({.packet = packet}, blocks[i]));
      bytes += blocks[i].size();
    }
  }
  CHECK(rig.counted(Hook::kTcIngress).lost == 0);
}

TEST_CASE("stage: an ordinary packet leaves at most its size class at the end of a segment") {
  Rig& rig = Rig::fresh(Transport::kStage);
  rig.set_flags(SETTINGS_UDP | SETTINGS_DROP_ON_OVERLOAD);
  const auto& geometry = rig.programs().geometry();
  const ByteVector packet = numbered_packet(1399);
  rig.run(Hook::kTcIngress, packet, 20'000);
  std::uint64_t bytes = 0;
  for (const ByteVector& block : rig.take_blocks())
    bytes += block.size();
  // The segment in which the stage happened to stand is filled from there only.
  CHECK(bytes > (geometry.segments - 1) * (geometry.segment_bytes() - 66 * 1024));
}

}  // namespace caprock::test
