// SPDX-License-Identifier: Apache-2.0
// A queue that fills while nobody empties it: less of each packet, then loss, told exactly.
#include <algorithm>
#include <numeric>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/stage.h"

#include "expected_block.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

constexpr unsigned kMoreThanFits = 60'000;
constexpr std::size_t kHeaders = 14 + 20 + 20;

ByteVector large_packet() {
  return packet().ethernet().ipv4().tcp().payload(3000);
}

std::uint64_t dropcount(const ByteVector& block) {
  const std::size_t options = 28 + round_up(captured_bytes(block), 4);
  return load<std::uint16_t>(block, options + 8) == 4 ? load<std::uint64_t>(block, options + 12)
                                                      : 0;
}

std::uint64_t sum_of_dropcounts(const std::vector<ByteVector>& blocks) {
  return std::accumulate(
      blocks.begin(), blocks.end(), std::uint64_t{0},
      [](std::uint64_t sum, const ByteVector& block) { return sum + dropcount(block); });
}

/// Runs the packet until the fill of the queue has reached `eighths`.
void fill_to(Rig& rig, unsigned eighths, const ByteVector& packet) {
  while (rig.source().used_bytes() < rig.source().capacity_bytes() / 8 * eighths)
    rig.run(Hook::kTcIngress, packet);
}

}  // namespace

TEST_CASE("overload: as the queue fills, less of a packet is copied, and headers at the least") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector packet = large_packet();
  rig.run(Hook::kTcIngress, packet, kMoreThanFits);
  const auto blocks = rig.take_blocks();

  std::vector<std::uint32_t> lengths;
  for (const ByteVector& block : blocks) {
    const auto length = captured_bytes(block);
    REQUIRE(block ==
            block_bytes({.packet = cut(packet, length), .original_bytes = packet.size()}, block));
    if (lengths.empty() || lengths.back() != length) lengths.push_back(length);
  }
  CHECK(lengths == std::vector<std::uint32_t>{static_cast<std::uint32_t>(packet.size()),
                                              STAGE_SHORT_BYTES, STAGE_BRIEF_BYTES, kHeaders});
  const auto count = rig.counted(Hook::kTcIngress);
  CHECK(count.written == blocks.size());
  CHECK(count.truncated == static_cast<std::uint64_t>(
                               std::count_if(blocks.begin(), blocks.end(), [&](const auto& block) {
                                 return captured_bytes(block) < packet.size();
                               })));
  CHECK(count.lost == kMoreThanFits - blocks.size());
}

TEST_CASE("overload: with the policy drop a packet is recorded whole or lost") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.set_flags(SETTINGS_TCP | SETTINGS_DROP_ON_OVERLOAD);
  const ByteVector packet = large_packet();
  rig.run(Hook::kTcIngress, packet, 8000);
  const auto blocks = rig.take_blocks();
  CHECK(std::all_of(blocks.begin(), blocks.end(),
                    [&](const auto& block) { return captured_bytes(block) == packet.size(); }));
  CHECK(rig.counted(Hook::kTcIngress).truncated == 0);
  CHECK(rig.counted(Hook::kTcIngress).lost == 8000 - blocks.size());
  CHECK(blocks.size() * packet.size() > rig.programs().geometry().cpu_bytes() / 2);
}

TEST_CASE("overload: the first block after a loss carries how many were lost, once") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector packet = large_packet();
  rig.run(Hook::kTcIngress, packet, kMoreThanFits);
  CHECK(sum_of_dropcounts(rig.take_blocks()) == 0);
  const auto lost = rig.counted(Hook::kTcIngress).lost;
  REQUIRE(lost > 0);

  rig.run(Hook::kTcIngress, packet, 2);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0] == block_bytes({.packet = packet, .dropped = lost}, blocks[0]));
  CHECK(blocks[1] == block_bytes({.packet = packet}, blocks[1]));
  CHECK(rig.counted(Hook::kTcIngress).lost_reported == lost);
}

TEST_CASE("overload: the directions' losses are told apart") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector packet = large_packet();
  rig.run(Hook::kTcIngress, packet, kMoreThanFits);
  rig.run(Hook::kTcEgress, packet, 5);
  REQUIRE(rig.counted(Hook::kTcEgress).lost == 5);
  rig.take_blocks();
  rig.run(Hook::kTcEgress, packet);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(dropcount(blocks[0]) == 5);
}

TEST_CASE(
    "wake-up: one signal when an eighth of the queue is filled, the next only after it was below") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector packet = large_packet();
  rig.source().clear_wake();
  const auto readable = [&] { return rig.wakes(); };

  constexpr std::uint64_t kRoom = 80 * 1024;  // more than may stay empty at a segment's end
  while (rig.source().used_bytes() + kRoom < rig.source().capacity_bytes() / 8)
    rig.run(Hook::kTcIngress, packet);
  CHECK(!readable());
  fill_to(rig, 1, packet);
  rig.run(Hook::kTcIngress, packet);  // the ring buffer's fill is that before the packet
  CHECK(readable());
  rig.source().clear_wake();
  rig.run(Hook::kTcIngress, packet, 100);
  CHECK(!readable());

  rig.take_blocks();
  rig.run(Hook::kTcIngress, packet);  // below the mark
  fill_to(rig, 2, packet);
  CHECK(readable());
}

}  // namespace caprock::test
