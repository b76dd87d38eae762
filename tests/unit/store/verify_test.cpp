// SPDX-License-Identifier: Apache-2.0
#include "store/verify.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>

#include <catch2/catch_test_macros.hpp>

#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"

namespace caprock::store {
namespace {

using test::cpu;
using test::foot_for;
using test::ring_of;
using test::SegmentBuilder;
using test::statistics_for;
using test::TemporaryFile;
using test::TestPacket;

const InterfaceList kInterfaces{{"eth0", ""}};
const std::vector<TestPacket> kPackets{{100, "a"}, {200, "bb", 0, 3}, {300, "ccc"}};

SegmentBuilder sealed(std::uint64_t sequence, SegmentFoot foot) {
  SegmentBuilder segment(sequence, 0, kInterfaces);
  segment.run(cpu(0), kPackets).seal(foot, statistics_for(foot_for(kPackets)));
  return segment;
}

SegmentBuilder sealed(std::uint64_t sequence = 1) {
  return sealed(sequence, foot_for(kPackets));
}

VerifyReport verify_bytes(Bytes file) {
  const TemporaryFile temporary(file);
  auto report = verify(temporary.path());
  REQUIRE(report);
  return *std::move(report);
}

VerifyReport verify_ring(const std::vector<SegmentBuilder>& segments) {
  return verify_bytes(ring_of(segments));
}

/// The only damage of a ring of this one segment.
std::string damage_of(const SegmentBuilder& segment) {
  const VerifyReport report = verify_ring({segment});
  CHECK_FALSE(report.whole());
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].index == 0);
  CHECK(report.damage[0].sequence == 1);
  return report.damage[0].what;
}

SegmentBuilder naming(std::uint32_t id) {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), kPackets)
      .name_interface(id, {"veth5", ""})
      .seal(foot_for(kPackets), statistics_for(foot_for(kPackets)));
  return segment;
}

/// A ring of so many sealed segments of one lane, of which each follows on the one before.
std::vector<std::byte> chain_of(std::uint64_t count) {
  std::vector<SegmentBuilder> segments;
  SegmentFoot foot = foot_for(kPackets);
  for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
    foot.previous_sequence = sequence - 1;
    foot.cumulative_packets = sequence * foot.packets;
    foot.cumulative_captured_bytes = sequence * foot.captured_bytes;
    foot.cumulative_dropped = sequence * foot.dropped;
    segments.push_back(sealed(sequence, foot));
  }
  return ring_of(segments);
}

void fill_segment(MutableBytes file, std::uint64_t index, std::byte value) {
  std::ranges::fill(file.subspan(index * kMinSegmentBytes, kMinSegmentBytes), value);
}

SegmentBuilder with_foot(const std::function<void(SegmentFoot&)>& change) {
  SegmentFoot foot = foot_for(kPackets);
  change(foot);
  return sealed(1, foot);
}

}  // namespace

TEST_CASE("verify: only an interface that is there can be named in a run") {
  CHECK(verify_ring({naming(0)}).whole());
  CHECK(damage_of(naming(1)) == "it names an interface that is not there");
}

TEST_CASE("verify: a whole ring is whole, with its totals") {
  SegmentBuilder active(2, 1, kInterfaces);
  active.run(cpu(1), {{400, "d"}}).run(cpu(2), {{350, "e"}});
  const VerifyReport report = verify_ring({sealed(), active});
  CHECK(report.whole());
  CHECK(report.ring);
  CHECK(report.sealed == 1);
  CHECK(report.active == 1);
  CHECK(report.packets == 5);
  CHECK(report.captured_bytes == 5 * 14 + 8);
  CHECK(report.dropped == 3);
}

TEST_CASE("verify: a loss is located in time") {
  const VerifyReport report = verify_ring({sealed(7)});
  REQUIRE(report.losses.size() == 1);
  CHECK(report.losses[0].sequence == 7);
  CHECK(report.losses[0].after_ns == 100);
  CHECK(report.losses[0].until_ns == 200);
  CHECK(report.losses[0].dropped == 3);
}

TEST_CASE("verify: a loss began behind the packet that its CPU and interface had before") {
  SegmentBuilder segment(1, 0, {{"eth0", ""}, {"eth1", ""}});
  segment.run(cpu(0), {{100, "a"}, {110, "b", 1}})
      .run(cpu(1), {{120, "c"}})
      .run(cpu(0), {{130, "d", 1}, {200, "e", 0, 3}});
  REQUIRE(verify_ring({segment}).losses.size() == 1);
  CHECK(verify_ring({segment}).losses[0].after_ns == 100);

  SegmentBuilder unknown(1, 0, kInterfaces);
  unknown.run(cpu(1), {{100, "a"}}).run(cpu(0), {{200, "b", 0, 3}});
  REQUIRE(verify_ring({unknown}).losses.size() == 1);
  CHECK(verify_ring({unknown}).losses[0].after_ns == 0);
}

TEST_CASE("verify: a changed bit of a packet is found by the checksum") {
  SegmentBuilder segment = sealed();
  segment.bytes()[segment.frontier() - 22] ^= std::byte{1};  // in its payload
  CHECK(damage_of(segment) == "the checksum (CRC-32C) is wrong");
}

TEST_CASE("verify: each figure of a foot is held to the packets") {
  constexpr std::string_view kCounts = "the foot's counts differ from the packets";
  constexpr std::string_view kTimes = "the foot's times differ from the packets";
  CHECK(damage_of(with_foot([](SegmentFoot& foot) { foot.packets += 1; })) == kCounts);
  CHECK(damage_of(with_foot([](SegmentFoot& foot) { foot.captured_bytes += 1; })) == kCounts);
  CHECK(damage_of(with_foot([](SegmentFoot& foot) { foot.original_bytes += 1; })) == kCounts);
  CHECK(damage_of(with_foot([](SegmentFoot& foot) { foot.dropped += 1; })) == kCounts);
  CHECK(damage_of(with_foot([](SegmentFoot& foot) { foot.first_ns += 1; })) == kTimes);
  CHECK(damage_of(with_foot([](SegmentFoot& foot) { foot.last_ns -= 1; })) == kTimes);
}

TEST_CASE("verify: statistics are held to the packets, and every interface has them") {
  SegmentBuilder wrong(1, 0, kInterfaces);
  const SegmentFoot foot = foot_for(kPackets);
  wrong.run(cpu(0), kPackets).seal(foot, {{.interface_id = 0, .received = 7, .dropped = 3}});
  CHECK(damage_of(wrong) == "the interface statistics differ from the packets");
  SegmentBuilder none(1, 0, kInterfaces);
  none.run(cpu(0), kPackets).seal(foot, {});
  CHECK(damage_of(none) == "an interface has no statistics");
}

TEST_CASE("verify: runs of a source that go back in time are damage") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{200, "b"}}).run(cpu(1), {{100, "x"}}).run(cpu(0), {{100, "a"}});
  CHECK(damage_of(segment) == "the run's source goes back in time");
}

TEST_CASE("verify: a run head's first time is that of its blocks") {
  SegmentBuilder segment(1, 0, kInterfaces);
  std::vector<std::byte> blocks;
  SegmentBuilder::append_packet(blocks, {100, ""}, test::frame("a"));
  segment.raw_run(cpu(0), blocks, 99);
  CHECK(damage_of(segment) == "the run's head tells another first time than its blocks");
}

TEST_CASE("verify: what cannot be walked is told once, with its place") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), kPackets);
  const std::uint64_t second = segment.frontier();
  segment.run(cpu(0), {{400, "d"}});
  put(segment.bytes(), second + offsetof(RunHead, trailer_total), std::uint32_t{0});
  const VerifyReport report = verify_ring({segment});
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].offset == second);
  CHECK(report.damage[0].what == "no run stands here: the rest of the record cannot be read");
  CHECK(report.packets == 3);
}

TEST_CASE("verify: cumulative counts follow from foot to foot") {
  SegmentFoot second = foot_for(kPackets);
  second.previous_sequence = 1;
  second.cumulative_packets = 6;
  second.cumulative_captured_bytes *= 2;
  second.cumulative_dropped = 6;
  CHECK(verify_ring({sealed(1), sealed(2, second)}).whole());
  second.cumulative_dropped = 5;
  const VerifyReport report = verify_ring({sealed(1), sealed(2, second)});
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].sequence == 2);
  CHECK(report.damage[0].index == 1);
  CHECK(report.damage[0].what == "the cumulative counts do not follow from the foot before");
}

TEST_CASE("verify: a segment that recovery sealed anew counts on from a later one") {
  SegmentFoot torn = foot_for(kPackets);
  SegmentFoot later = foot_for(kPackets);
  later.previous_sequence = 1;
  later.sealed_at = 5;
  later.cumulative_packets = 7;
  torn.previous_sequence = 2;
  torn.sealed_at = 9;
  torn.cumulative_packets = later.cumulative_packets + torn.packets;
  torn.cumulative_captured_bytes = later.cumulative_captured_bytes + torn.captured_bytes;
  torn.cumulative_dropped = later.cumulative_dropped + torn.dropped;
  CHECK(verify_ring({sealed(1, torn), sealed(2, later)}).whole());
}

TEST_CASE("verify: a segment without a readable head is damage, one that was never used is not") {
  std::vector<std::byte> file = ring_of({sealed(1), sealed(2)});
  file.resize(3 * kMinSegmentBytes);
  CHECK(verify_bytes(file).unused == 1);
  CHECK(verify_bytes(file).whole());
  file[kMinSegmentBytes + 60] ^= std::byte{1};
  const VerifyReport report = verify_bytes(file);
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].index == 1);
  CHECK(report.damage[0].offset == kMinSegmentBytes);
  CHECK(report.damage[0].what == "the checksum of its head is wrong");
}

TEST_CASE("verify: a file that ends inside a segment is damaged, and the segment is named") {
  const std::vector<std::byte> whole = ring_of({sealed(1), sealed(2), sealed(3)});
  for (const std::uint64_t left : {std::uint64_t{8}, std::uint64_t{4096}, kMinSegmentBytes - 8}) {
    INFO(left << " bytes of it are left");
    const std::uint64_t end = 2 * kMinSegmentBytes + left;
    const VerifyReport report = verify_bytes(Bytes(whole).first(end));
    REQUIRE(report.damage.size() == 1);
    CHECK(report.damage[0].index == 2);
    CHECK(report.damage[0].sequence == (left < kInterfacesOffset ? 0 : 3));
    CHECK(report.damage[0].offset == end);
    CHECK(report.damage[0].what == "the file ends inside it: what it held is not counted");
    CHECK(report.packets == 2 * kPackets.size());
  }
  CHECK(verify_bytes(Bytes(whole).first(2 * kMinSegmentBytes)).whole());
}

TEST_CASE("verify: a ring that was cut inside its first segment is damaged, wherever the cut is") {
  const SegmentBuilder segment = sealed();
  for (const std::uint64_t end : {std::uint64_t{kInterfacesOffset}, segment.frontier(),
                                  segment.frontier() - 8, kMinSegmentBytes - 8}) {
    INFO("cut at " << end);
    const VerifyReport report = verify_bytes(Bytes(segment.bytes()).first(end));
    REQUIRE_FALSE(report.whole());
    CHECK(report.damage.back().offset == end);
    CHECK(report.damage.back().what == "the file ends inside the first segment of a ring");
  }
}

TEST_CASE("verify: a segment that cannot be read is damage, not one that was never used") {
  const TemporaryFile file(ring_of({sealed(1), sealed(2)}));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  std::filesystem::resize_file(file.path(), kMinSegmentBytes);
  const VerifyReport report = verify(*view);
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].index == 1);
  CHECK(report.damage[0].what == "it cannot be read: the file was cut or its disk fails");
  CHECK(report.unused == 0);
}

TEST_CASE("verify: a segment under zeros that others of its lane stand around is missing") {
  std::vector<std::byte> file = chain_of(5);
  fill_segment(file, 2, std::byte{0});
  const VerifyReport report = verify_bytes(file);
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].index == 2);
  CHECK(report.damage[0].sequence == 3);
  CHECK(report.damage[0].offset == 2 * kMinSegmentBytes);
  CHECK(report.damage[0].what ==
        "it is missing: zeros stand in its place, and sequence 4 of its lane follows on it");
  CHECK(report.sealed == 4);
  CHECK(report.unused == 0);
}

TEST_CASE("verify: a blank segment in the middle of a chain may have been recycled: no damage") {
  std::vector<std::byte> file = chain_of(5);
  put(file, 2 * kMinSegmentBytes + kSegmentHeadOffset,
      pcapng::BlockHead{kFreeSpaceType,
                        static_cast<std::uint32_t>(kMinSegmentBytes - kSegmentHeadOffset)});
  CHECK(verify_bytes(file).whole());
  CHECK(verify_bytes(file).unused == 1);
}

TEST_CASE(
    "verify: a plain pcapng is held to the format's rules, and one of ours to its statistics") {
  std::vector<std::byte> file;
  pcapng::Writer writer(file);
  writer.section_header({.user_application = "caprock 1"});
  writer.interface_description({.name = "eth0"});
  SegmentBuilder::append_packet(file, {100, "", 0, 2}, test::frame("a"));
  writer.interface_statistics({.received = 3, .dropped = 2});
  const VerifyReport whole = verify_bytes(file);
  CHECK(whole.whole());
  CHECK_FALSE(whole.ring);
  CHECK(whole.packets == 1);
  CHECK(whole.losses.size() == 1);
  writer.interface_statistics({.received = 4, .dropped = 2});
  CHECK_FALSE(verify_bytes(file).whole());
}

TEST_CASE(
    "verify: statistics of an interface that is itself described wrongly are still looked at") {
  std::vector<std::byte> file;
  pcapng::Writer writer(file);
  writer.section_header({.user_application = "caprock 1"});
  const std::size_t interface = file.size();
  writer.interface_description({.name = "eth0"});
  put(file, interface + sizeof(pcapng::InterfaceHead),
      pcapng::OptionHead{pcapng::kInterfaceName, 60000});
  writer.interface_statistics({.received = 1, .dropped = 0});
  CHECK(verify_bytes(file).damage.size() == 2);
}

TEST_CASE("verify: what is no pcapng is refused") {
  CHECK_FALSE(verify(TemporaryFile(std::as_bytes(std::span("hello, world, this is text"))).path()));
  CHECK_FALSE(verify(TemporaryFile().path()));
  CHECK_FALSE(verify("/nonexistent.pcapng"));
}

}  // namespace caprock::store
