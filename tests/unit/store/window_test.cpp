// SPDX-License-Identifier: Apache-2.0
#include "store/window.hpp"

#include <algorithm>
#include <random>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "pcapng/reader.hpp"
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

RingView open_view(const TemporaryFile& file) {
  auto view = RingView::open(file.path());
  REQUIRE(view);
  return *std::move(view);
}

std::string payload_of(Bytes block) {
  const auto packet = pcapng::as_packet({block, load<std::uint32_t>(block)});
  REQUIRE(packet);
  const Bytes text = packet->captured.subspan(14);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

std::string read_all(Window& window) {
  std::string all;
  while (const auto block = window.next())
    all += payload_of(block->block) + " ";
  return all;
}

std::string read_window(const TemporaryFile& file, WindowOptions options = {}) {
  const RingView view = open_view(file);
  auto window = Window::open(view, options);
  REQUIRE(window);
  const std::string all = read_all(*window);
  CHECK(window->skipped().empty());
  return all;
}

/// As blocks one by one, but read by stretches.
std::vector<std::string> stretches(const TemporaryFile& file) {
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  std::vector<std::string> all;
  for (Bytes stretch = window->next_stretch(); !stretch.empty(); stretch = window->next_stretch()) {
    std::string line;
    pcapng::BlockCursor cursor(stretch);
    while (const auto block = cursor.next())
      line += payload_of(block->bytes);
    all.push_back(line);
  }
  return all;
}

}  // namespace

TEST_CASE("window: the runs of several CPUs in one segment come out in time order") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{10, "a"}, {30, "c"}})
      .run(cpu(1), {{20, "b"}, {50, "e"}})
      .run(cpu(0), {{40, "d"}, {60, "f"}});
  const TemporaryFile file(ring_of({segment}));
  CHECK(read_window(file) == "a b c d e f ");
}

TEST_CASE("window: of one kind of source alone, whatever lies between its runs") {
  SegmentBuilder first(1, 0, kInterfaces);
  first.run(cpu(0), {{10, "a"}})
      .run({SourceKind::kEvents, 0, 1}, {{20, "b"}})
      .run(cpu(1), {{30, "c"}})
      .run({SourceKind::kEvents, 0, 1}, {{40, "d"}});
  SegmentBuilder second(2, 0, kInterfaces);
  second.run(cpu(0), {{50, "e"}});
  SegmentBuilder third(3, 0, kInterfaces);
  third.run(cpu(0), {{60, "f"}}).run({SourceKind::kEvents, 0, 1}, {{70, "g"}});
  const TemporaryFile file(ring_of({first, second, third}));
  CHECK(read_window(file, {.source = SourceKind::kEvents}) == "b d g ");
}

TEST_CASE("window: lanes and segments are merged, whatever their order in the file") {
  SegmentBuilder one(1, 0, kInterfaces);
  SegmentBuilder two(2, 1, kInterfaces);
  SegmentBuilder three(3, 0, kInterfaces);
  one.run(cpu(0), {{10, "a"}, {40, "d"}});
  two.run(cpu(1), {{20, "b"}, {60, "f"}});
  three.run(cpu(0), {{50, "e"}, {70, "g"}}).run(cpu(2), {{30, "c"}});
  const TemporaryFile file(ring_of({three, one, two}));
  CHECK(read_window(file) == "a b c d e f g ");
}

TEST_CASE("window: sealed segments are merged by the times in their feet") {
  const std::vector<TestPacket> early{{10, "a"}, {30, "c"}};
  const std::vector<TestPacket> late{{20, "b"}, {40, "d"}};
  SegmentBuilder one(1, 0, kInterfaces);
  SegmentBuilder two(2, 1, kInterfaces);
  one.run(cpu(0), early).seal(foot_for(early), statistics_for(foot_for(early)));
  two.run(cpu(1), late).seal(foot_for(late), statistics_for(foot_for(late)));
  const TemporaryFile file(ring_of({two, one}));
  CHECK(read_window(file) == "a b c d ");
  CHECK(read_window(file, {30, 40}) == "c ");
}

TEST_CASE("window: the start is inclusive and the end exclusive, to the nanosecond") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{10, "a"}, {20, "b"}})
      .run(cpu(0), {{30, "c"}})
      .run(cpu(1), {{19, "x"}, {21, "y"}});
  const TemporaryFile file(ring_of({segment}));
  CHECK(read_window(file, {20, 30}) == "b y ");
  CHECK(read_window(file, {21, 31}) == "y c ");
  CHECK(read_window(file, {31, 40}).empty());
  CHECK(read_window(file, {0, 10}).empty());
}

TEST_CASE("window: equal times come by lane and source, and a source's own order is kept") {
  SegmentBuilder zero(2, 0, kInterfaces);
  SegmentBuilder one(1, 1, kInterfaces);
  zero.run(cpu(1), {{10, "c"}, {10, "d"}}).run(cpu(0), {{10, "a"}, {10, "b"}});
  one.run(cpu(2), {{10, "e"}});
  const TemporaryFile file(ring_of({one, zero}));
  CHECK(read_window(file) == "a b c d e ");
}

TEST_CASE("window: a stretch ends where another source's block belongs, and at the end of a run") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{10, "a"}, {20, "b"}, {40, "d"}})
      .run(cpu(1), {{30, "c"}})
      .run(cpu(0), {{50, "e"}});
  const TemporaryFile file(ring_of({segment}));
  CHECK(stretches(file) == std::vector<std::string>{"ab", "c", "d", "e"});
}

TEST_CASE("window: blocks without a time are not of the window, events are") {
  SegmentBuilder segment(1, 0, kInterfaces);
  std::vector<std::byte> event;
  pcapng::Writer(event).journal_entry(
      std::vector<pcapng::JournalField>{{"__REALTIME_TIMESTAMP", "2"}, {"MESSAGE", "pod started"}});
  segment.run(cpu(0), {{1000, "a"}, {3000, "b"}})
      .add_interface({"veth0", ""})
      .raw_run({SourceKind::kControl, 0, 1}, event, 2000);
  const TemporaryFile file(ring_of({segment}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  CHECK(window->next()->time_ns == 1000);
  const auto block = window->next();
  CHECK(block->time_ns == 2000);
  CHECK(block->type == pcapng::kJournalExport);
  CHECK(window->next()->time_ns == 3000);
  CHECK_FALSE(window->next());
}

TEST_CASE("window: thousands of packets on eight CPUs and two lanes come out as sorted") {
  std::mt19937_64 random(7);
  std::vector<SegmentBuilder> segments;
  std::vector<std::int64_t> times;
  std::vector<std::int64_t> clock(8, 1);
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    const auto lane = static_cast<std::uint32_t>(sequence % 2);
    SegmentBuilder segment(sequence, lane, kInterfaces);
    for (int run = 0; run < 40; ++run) {
      const auto index = static_cast<std::uint32_t>(random() % 4 * 2 + lane);
      std::vector<TestPacket> packets;
      for (std::uint64_t i = random() % 30 + 1; i > 0; --i) {
        clock[index] += static_cast<std::int64_t>(random() % 100);
        packets.push_back({clock[index], "x"});
        times.push_back(clock[index]);
      }
      segment.run(cpu(index), packets);
    }
    if (sequence > 2) segments.insert(segments.begin(), segment);
    if (sequence <= 2) segments.push_back(segment);
  }
  std::ranges::sort(times);
  const TemporaryFile file(ring_of(segments));
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  std::vector<std::int64_t> read;
  while (const auto block = window->next())
    read.push_back(block->time_ns);
  CHECK(read == times);
}

TEST_CASE("window: a damaged block costs the rest of its run and is told") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{10, "a"}});
  const std::uint64_t second = segment.frontier() + sizeof(RunHead);
  segment.run(cpu(0), {{20, "b"}, {30, "c"}}).run(cpu(0), {{40, "d"}});
  segment.bytes()[second + 4] ^= std::byte{0xFF};
  const TemporaryFile file(ring_of({segment}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  CHECK(read_all(*window) == "a d ");
  REQUIRE(window->skipped().size() == 1);
  CHECK(window->skipped().front().starts_with(
      "segment 0 (sequence 1): a run is left out from offset "));
}

TEST_CASE("window: a stretch ends in front of a damaged block, whatever is wrong with its length") {
  struct Damage {
    std::size_t offset;  // in a packet block of 56 bytes: its length is at 4 and at 52
    std::uint32_t value;
  };
  const auto damage =
      GENERATE(Damage{4, 8}, Damage{4, 24}, Damage{4, 54}, Damage{4, 4096}, Damage{52, 0});
  std::vector<std::byte> blocks;
  for (const TestPacket& packet : std::vector<TestPacket>{{10, "aa"}, {20, "bb"}})
    SegmentBuilder::append_packet(blocks, packet, test::frame(packet.payload));
  const std::size_t damaged = blocks.size();
  for (const TestPacket& packet : std::vector<TestPacket>{{30, "cc"}, {40, "dd"}})
    SegmentBuilder::append_packet(blocks, packet, test::frame(packet.payload));
  put(blocks, damaged + damage.offset, damage.value);
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.raw_run(cpu(0), blocks, 10).run(cpu(0), {{50, "e"}});
  CHECK(stretches(TemporaryFile(ring_of({segment}))) == std::vector<std::string>{"aabb", "e"});
}

TEST_CASE("window: a segment recycled while it is read is skipped from there on and told") {
  SegmentBuilder one(1, 0, kInterfaces);
  SegmentBuilder two(2, 0, kInterfaces);
  SegmentBuilder three(3, 0, kInterfaces);
  one.run(cpu(0), {{10, "a"}}).run(cpu(0), {{20, "b"}}).run(cpu(0), {{25, "lost"}});
  two.run(cpu(0), {{30, "c"}});
  three.run(cpu(0), {{40, "d"}});
  const TemporaryFile file(ring_of({one, two}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  CHECK(payload_of(window->next()->block) == "a");
  file.write(three.bytes());
  CHECK(read_all(*window) == "b c ");  // b was read ahead
  CHECK(window->skipped() ==
        std::vector<std::string>{
            "segment 0 (sequence 1) was reused by the recorder while it was being read"});
}

TEST_CASE("window: what was given stays as it was, whatever the recorder does to its segment") {
  SegmentBuilder one(1, 0, kInterfaces);
  one.run(cpu(0), {{10, "a"}, {20, "b"}});
  const TemporaryFile file(ring_of({one}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  const Bytes stretch = window->next_stretch();
  file.write(std::vector<std::byte>(kMinSegmentBytes, std::byte{0xEE}));
  CHECK(payload_of(pcapng::BlockCursor(stretch).next()->bytes) == "a");
}

TEST_CASE("window: a file that is cut while it is read costs what was cut off, which is told") {
  SegmentBuilder one(1, 0, kInterfaces);
  SegmentBuilder two(2, 0, kInterfaces);
  one.run(cpu(0), {{10, "a"}, {20, "b"}});
  two.run(cpu(0), {{30, "c"}});
  const TemporaryFile file(ring_of({one, two}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {});
  CHECK(payload_of(window->next()->block) == "a");
  std::filesystem::resize_file(file.path(), kMinSegmentBytes);
  CHECK(read_all(*window) == "b ");
  CHECK(window->skipped() ==
        std::vector<std::string>{
            "segment 1 (sequence 2) cannot be read: the file was cut or its disk fails"});
}

TEST_CASE(
    "window: runs longer than what is read at a time, and blocks longer than that, are whole") {
  const auto text = [](std::size_t bytes, char letter) { return std::string(bytes, letter); };
  SegmentBuilder segment(1, 0, kInterfaces);
  segment
      .run(cpu(0), {{10, text(100'000, 'a')},
                    {20, text(200'000, 'b')},
                    {40, text(262'000, 'd')},
                    {50, text(300, 'e')}})
      .run(cpu(1), {{30, text(5, 'c')}});
  const TemporaryFile file(ring_of({segment}));
  std::string all;
  for (const std::string& stretch : stretches(file))
    all += stretch;
  CHECK(all == text(100'000, 'a') + text(200'000, 'b') + text(5, 'c') + text(262'000, 'd') +
                   text(300, 'e'));
}

TEST_CASE("window: moved on, it goes over what was committed since, once") {
  SegmentBuilder one(1, 0, kInterfaces);
  one.run(cpu(0), {{10, "a"}, {20, "b"}});
  const TemporaryFile file(ring_of({one}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {0, 15});
  CHECK(read_all(*window) == "a ");
  one.run(cpu(1), {{17, "x"}}).run(cpu(0), {{30, "c"}});
  SegmentBuilder two(2, 1, kInterfaces);
  two.run(cpu(2), {{25, "y"}});
  file.write(ring_of({one, two}));
  window->extend(30);
  CHECK(read_all(*window) == "x b y ");
  window->extend(40);
  CHECK(read_all(*window) == "c ");
  CHECK(window->skipped().empty());
}

TEST_CASE("window: what was recycled between two looks is told by number") {
  SegmentBuilder one(1, 0, kInterfaces);
  SegmentBuilder five(5, 0, kInterfaces);
  one.run(cpu(0), {{10, "a"}});
  five.run(cpu(0), {{50, "e"}});
  const TemporaryFile file(ring_of({one}));
  const RingView view = open_view(file);
  auto window = Window::open(view, {0, 20});
  CHECK(read_all(*window) == "a ");
  file.write(five.bytes());
  window->extend(100);
  CHECK(read_all(*window) == "e ");
  CHECK(window->skipped() ==
        std::vector<std::string>{"segments reused by the recorder before they could be read: 3"});
}

TEST_CASE("window: an end before its beginning is refused") {
  const TemporaryFile file(ring_of({SegmentBuilder(1, 0, kInterfaces)}));
  const RingView view = open_view(file);
  CHECK_FALSE(Window::open(view, {20, 10}));
  CHECK(Window::open(view, {20, 20}));
}

}  // namespace caprock::store
