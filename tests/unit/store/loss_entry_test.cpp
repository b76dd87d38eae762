// SPDX-License-Identifier: Apache-2.0
#include "store/loss_entry.hpp"

#include <array>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "pcapng/writer.hpp"
#include "recorder.hpp"
#include "store/verify.hpp"
#include "store/window.hpp"

namespace caprock::store::test {
namespace {

std::vector<std::byte> entry(std::uint64_t packets, std::int64_t time_ns) {
  std::vector<std::byte> out;
  write_loss_entry(out,
                   {.interface = "eth0", .received = true, .packets = packets, .time_ns = time_ns});
  return out;
}

pcapng::Block only_block(Bytes bytes) {
  const auto block = pcapng::BlockCursor(bytes).next();
  REQUIRE(block);
  REQUIRE(block->bytes.size() == bytes.size());
  return *block;
}

TEST_CASE("loss entry: it tells in words and in fields what was lost, where and when") {
  const auto bytes = entry(35, 1'700'000'000'123'456'789);
  const pcapng::Block block = only_block(bytes);
  CHECK(lost_by_entry(block) == 35);
  CHECK(pcapng::journal_field(block, "MESSAGE") == "35 packets lost that eth0 received");
  CHECK(pcapng::journal_field(block, "CAPROCK_INTERFACE") == "eth0");
  CHECK(pcapng::journal_field(block, "CAPROCK_DIRECTION") == "received");
  CHECK(pcapng::journal_time_ns(block) == 1'700'000'000'123'456'000);
}

TEST_CASE("loss entry: an interface that has gone has no name") {
  std::vector<std::byte> out;
  write_loss_entry(out, {.interface = "", .received = false, .packets = 3, .time_ns = 1});
  CHECK(pcapng::journal_field(only_block(out), "MESSAGE") ==
        "3 packets lost that an interface that has gone sent");
  CHECK(lost_by_entry(only_block(out)) == 3);
}

TEST_CASE("loss entry: another journal entry tells of no loss") {
  std::vector<std::byte> bytes;
  const std::array fields{pcapng::JournalField{"MESSAGE", "CAPROCK_LOST=3"},
                          pcapng::JournalField{"XCAPROCK_LOST", "4"},
                          pcapng::JournalField{"CAPROCK_LOSTX", "5"}};
  pcapng::Writer(bytes).journal_entry(fields);
  CHECK(lost_by_entry(only_block(bytes)) == 0);
}

TEST_CASE("loss entry: in a ring it is part of the window and of what verify finds lost") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  const bool with_packets = GENERATE(true, false);
  {
    const auto ring = open_ring(small_ring(path));
    if (with_packets) append_all(ring->lane(0), packets.next(10));
    REQUIRE(ring->lane(0).append_control(entry(35, 1'700'000'000'000'000'000)));
    REQUIRE(ring->close());
  }
  const auto report = verify(path);
  REQUIRE(report);
  CHECK(report->whole());
  CHECK(report->dropped == 35);
  REQUIRE(report->losses.size() == 1);
  CHECK(report->losses[0].until_ns == 1'700'000'000'000'000'000);

  const auto view = RingView::open(path);
  REQUIRE(view);
  auto window = Window::open(*view, {.from_ns = 1'700'000'000'000'000'000});
  REQUIRE(window);
  std::uint64_t lost = 0;
  while (const auto block = window->next())
    lost += lost_by_entry({block->block, block->type});
  CHECK(lost == 35);
}

}  // namespace
}  // namespace caprock::store::test
