// SPDX-License-Identifier: Apache-2.0
#include "store/ring_view.hpp"

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

const InterfaceList kInterfaces{{"eth0", "the first"}, {"eth1", ""}};

SegmentBuilder sealed(std::uint64_t sequence, const std::vector<TestPacket>& packets) {
  SegmentBuilder segment(sequence, 0, kInterfaces);
  const SegmentFoot foot = foot_for(packets);
  segment.run(cpu(0), packets).seal(foot, statistics_for(foot));
  return segment;
}

}  // namespace

TEST_CASE(
    "ring view: segments come by sequence, whatever their place, with times from their feet") {
  const TemporaryFile file(
      ring_of({sealed(9, {{300, "c"}, {400, "d"}}), sealed(8, {{100, "a"}, {200, "b"}})}));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  CHECK(view->segment_bytes() == kMinSegmentBytes);
  CHECK(view->segment_count() == 2);
  const auto segments = view->segments();
  REQUIRE(segments.size() == 2);
  CHECK(segments[0].sequence == 8);
  CHECK(segments[0].index == 1);
  CHECK(segments[0].sealed);
  CHECK(segments[0].first_ns == 100);
  CHECK(segments[0].last_ns == 200);
  CHECK(segments[0].node == "node7");
  CHECK(segments[1].first_ns == 300);
}

TEST_CASE(
    "ring view: an active segment is known up to its frontier, from its run heads, hidden or not") {
  SegmentBuilder segment(1, 3, kInterfaces);
  segment.run(cpu(0), {{500, "a"}}).run(cpu(1), {{400, "b"}});
  const TemporaryFile file(ring_of({segment}));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  const auto segments = view->segments();
  REQUIRE(segments.size() == 1);
  CHECK_FALSE(segments[0].sealed);
  CHECK(segments[0].lane == 3);
  CHECK(segments[0].runs_end == segment.frontier());
  CHECK(segments[0].end == segment.frontier());
  CHECK(segments[0].first_ns == 400);
  CHECK(segments[0].last_ns == INT64_MAX);
}

TEST_CASE("ring view: interfaces are those of the opening and those added in runs") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{1, "a"}}).add_interface({"veth5", "pod shop/cart"}).run(cpu(0), {{2, "b"}});
  const TemporaryFile file(ring_of({segment}));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  CHECK(view->interfaces(view->segments().front()) ==
        InterfaceList{{"eth0", "the first"}, {"eth1", ""}, {"veth5", "pod shop/cart"}});
}

TEST_CASE("ring view: an interface that is blank in the opening has the name that a run gives it") {
  SegmentBuilder segment(1, 0, {{"eth0", "the first"}, {"", ""}});
  segment.name_interface(1, {"veth5", "pod shop/cart"})
      .name_interface(2, {"veth6", "of an id that is not there"})
      .run(cpu(0), {{2, "b", 1}});
  const TemporaryFile file(ring_of({segment}));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  CHECK(view->interfaces(view->segments().front()) ==
        InterfaceList{{"eth0", "the first"}, {"veth5", "pod shop/cart"}});
}

TEST_CASE("ring view: a damaged segment is left out and named, and the rest is kept") {
  SegmentBuilder damaged = sealed(1, {{100, "a"}});
  damaged.bytes()[kSegmentHeadOffset + offsetof(SegmentHead, lane)] ^= std::byte{1};
  const TemporaryFile file(ring_of({damaged, sealed(2, {{200, "b"}})}));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  std::vector<std::string> lines;
  const auto segments = view->segments(&lines);
  REQUIRE(segments.size() == 1);
  CHECK(segments[0].sequence == 2);
  CHECK(lines ==
        std::vector<std::string>{"segment 0 is left out: the checksum of its head is wrong"});
}

TEST_CASE("ring view: segments that were never used are no segments and no damage") {
  std::vector<std::byte> file_bytes = ring_of({sealed(1, {{100, "a"}})});
  file_bytes.resize(3 * kMinSegmentBytes);
  const TemporaryFile file(file_bytes);
  std::vector<std::string> lines;
  CHECK(RingView::open(file.path())->segments(&lines).size() == 1);
  CHECK(lines.empty());
}

TEST_CASE("ring view: a ring is known by any of its first segments, in use or blank") {
  std::vector<std::byte> damaged(kMinSegmentBytes, std::byte{0xEE});
  std::vector<std::byte> blank = SegmentBuilder(1, 0, kInterfaces).bytes();
  put(blank, kSegmentHeadOffset,
      pcapng::BlockHead{kFreeSpaceType,
                        static_cast<std::uint32_t>(kMinSegmentBytes - kSegmentHeadOffset)});
  damaged.insert(damaged.end(), blank.begin(), blank.end());
  CHECK(RingView::open(TemporaryFile(damaged).path()));
  const std::vector<std::byte> used = sealed(1, {{100, "a"}}).bytes();
  std::copy(used.begin(), used.end(), damaged.begin() + kMinSegmentBytes);
  CHECK(RingView::open(TemporaryFile(damaged).path()));
}

TEST_CASE("ring view: a file that grows is followed, and bytes handed out stay where they are") {
  const TemporaryFile file(ring_of({sealed(1, {{100, "a"}})}));
  const auto view = RingView::open(file.path());
  const Bytes before = view->bytes(0);
  file.write(ring_of({sealed(2, {{200, "b"}}), sealed(3, {{300, "c"}})}), kMinSegmentBytes);
  CHECK(view->segments().size() == 3);
  CHECK(before.data() != nullptr);
  CHECK(load<std::uint32_t>(before) == pcapng::kSectionHeader);
}

TEST_CASE("ring view: a segment that was recycled no longer holds what it held") {
  const TemporaryFile file(ring_of({sealed(1, {{100, "a"}})}));
  const auto view = RingView::open(file.path());
  CHECK(view->still_holds(0, 1));
  file.write(ring_of({sealed(2, {{200, "b"}})}));
  CHECK_FALSE(view->still_holds(0, 1));
  CHECK(view->still_holds(0, 2));
}

TEST_CASE("ring view: a segment behind the end of a file that was cut is unreadable, and told") {
  std::vector<std::byte> bytes = ring_of({sealed(1, {{100, "a"}}), sealed(2, {{200, "b"}})});
  const TemporaryFile file(bytes);
  const auto view = RingView::open(file.path());
  std::filesystem::resize_file(file.path(), kMinSegmentBytes);
  CHECK_FALSE(view->still_holds(1, 2));
  CHECK(view->unreadable(1));
  CHECK_FALSE(view->unreadable(0));
  file.write(bytes);
  std::vector<std::string> lines;
  CHECK(view->segments(&lines).size() == 1);
  CHECK(lines ==
        std::vector<std::string>{
            "segment 1 is left out: it cannot be read: the file was cut or its disk fails"});
}

TEST_CASE("ring view: what a cut and zeros took from the file is named") {
  std::vector<SegmentBuilder> chain;
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
    SegmentFoot foot = foot_for({{100, "a"}});
    foot.previous_sequence = sequence - 1;
    SegmentBuilder segment(sequence, 0, kInterfaces);
    chain.push_back(segment.run(cpu(0), {{100, "a"}}).seal(foot, statistics_for(foot)));
  }
  std::vector<std::byte> bytes = ring_of(chain);
  std::fill_n(bytes.begin() + kMinSegmentBytes, kMinSegmentBytes, std::byte{0});
  bytes.resize(bytes.size() - 8);
  const TemporaryFile file(bytes);
  std::vector<std::string> lines;
  CHECK(RingView::open(file.path())->segments(&lines).size() == 2);
  CHECK(lines == std::vector<std::string>{"segment 1 is left out: zeros stand where sequence 2 was",
                                          "segment 3 is left out: the file ends inside it"});
}

TEST_CASE("ring view: a sealed segment is described once in each of its uses") {
  SegmentBuilder segment = sealed(1, {{100, "a"}});
  const TemporaryFile file(ring_of({segment}));
  const auto view = RingView::open(file.path());
  CHECK(view->segments().front().last_ns == 100);
  put(segment.bytes(), segment.foot() + offsetof(SegmentFoot, last_ns), std::int64_t{999});
  file.write(segment.bytes());
  CHECK(view->segments().front().last_ns == 100);
  file.write(sealed(2, {{200, "b"}}).bytes());
  CHECK(view->segments().front().last_ns == 200);
}

TEST_CASE("ring view: what is no ring is refused by name") {
  const auto message_for = [](Bytes contents) {
    const TemporaryFile file(contents);
    auto view = RingView::open(file.path());
    REQUIRE_FALSE(view);
    const std::string message = view.error().message().substr(file.path().string().size());
    const auto remedy = message.find("; name the ring.pcapng of an agent's dataDir");
    REQUIRE(remedy != message.npos);
    return message.substr(0, remedy);
  };
  std::vector<std::byte> pcapng;
  pcapng::Writer(pcapng).section_header({});
  const auto pcap_magic = std::as_bytes(std::span("\xD4\xC3\xB2\xA1", 4));
  CHECK(message_for({}) == ": it is an empty file");
  CHECK(message_for(pcapng) == ": it is a pcapng file, but not a ring of caprock");
  CHECK(message_for(pcap_magic) == ": it is a classic pcap file");
  CHECK(message_for(std::as_bytes(std::span("hello"))) ==
        ": it is neither a ring nor a capture file");
  CHECK_FALSE(RingView::open("/nonexistent/ring.pcapng"));
}

}  // namespace caprock::store
