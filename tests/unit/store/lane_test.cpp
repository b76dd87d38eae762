// SPDX-License-Identifier: Apache-2.0
#include "store/lane.hpp"

#include <algorithm>

#include <catch2/generators/catch_generators.hpp>

#include "pcapng/note.hpp"
#include "pcapng/reader.hpp"
#include "recorder.hpp"
#include "store/ring_view.hpp"
#include "store/verify.hpp"
#include "support/command.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

/// Names of the interfaces of every section, in file order.
std::vector<std::vector<std::string>> interface_names(Bytes file) {
  std::vector<std::vector<std::string>> sections;
  pcapng::BlockCursor cursor(file);
  while (const auto block = cursor.next()) {
    if (block->type == pcapng::kSectionHeader) sections.emplace_back();
    if (const auto interface = pcapng::as_interface(*block)) {
      sections.back().emplace_back(interface->name());
    }
  }
  std::erase_if(sections, [](const auto& names) { return names.empty(); });
  return sections;
}

/// The batch as a BPF ring buffer or a socket gives it: a piece a block.
std::vector<BlockPiece> split_into_blocks(const PacketBatch& batch) {
  std::vector<BlockPiece> pieces;
  pcapng::BlockCursor cursor(batch.pieces[0].bytes);
  std::size_t begin = 0;
  while (cursor.next()) {
    const std::size_t end = cursor.offset();
    pieces.push_back({batch.pieces[0].bytes.subspan(begin, end - begin), batch.position + end});
    begin = end;
  }
  return pieces;
}

/// Whole, waiting for housekeeping where a lane would come back later.
void append_block_by_block(LaneWriter& lane, PacketBatch batch) {
  const std::vector<BlockPiece> pieces = split_into_blocks(batch);
  for (auto rest = pieces.begin(); rest != pieces.end();) {
    batch.pieces = {rest, pieces.end()};
    batch.position = append_now(lane, batch);
    rest =
        std::ranges::upper_bound(rest, pieces.end(), batch.position, {}, &BlockPiece::end_position);
    if (rest != pieces.end()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Each packet once and in order, in a whole file.
void check_holds_all(const std::filesystem::path& path, const PacketStream& packets) {
  const WalkedFile file = walk(read_file(path));
  REQUIRE(file.fault.empty());
  REQUIRE(file.packet_times.size() == packets.count());
  for (std::uint64_t i = 0; i < packets.count(); ++i)
    REQUIRE(file.packet_times[i] == PacketStream::time_of(i));
  const auto verified = verify(path);
  REQUIRE(verified);
  CHECK(verified->whole());
  CHECK(verified->packets == packets.count());
}

SharedInterfaceList interfaces(std::initializer_list<std::string> names) {
  InterfaceList list;
  for (const std::string& name : names)
    list.push_back({name, ""});
  return std::make_shared<const InterfaceList>(std::move(list));
}

TEST_CASE("lane: a run that meets the segment's end goes on in the next, cut between two blocks") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    append_all(ring->lane(0), packets.next(3000));  // 3 MB in one batch, segments of 1 MiB
    CHECK(append_now(ring->lane(0), {packets.source(), 77, {}}) == 77);
    REQUIRE(ring->close());
  }
  const WalkedFile file = walk(read_file(path));
  REQUIRE(file.fault.empty());
  CHECK(file.feet.size() == 3);
  CHECK(file.packet_times.size() == 3000);
  CHECK(std::is_sorted(file.packet_times.begin(), file.packet_times.end()));
}

TEST_CASE(
    "lane: what cannot be appended now is told by the position, and nothing is lost or doubled") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    const PacketBatch batch = packets.next(12'000);  // more than is prepared ahead
    const std::uint64_t position = append_now(ring->lane(0), batch);
    CHECK(position <= batch.pieces[0].end_position);
    const Bytes rest = batch.pieces[0].bytes.subspan(position - batch.position);
    const BlockPiece piece{rest, batch.pieces[0].end_position};
    if (!rest.empty()) append_all(ring->lane(0), {batch.source, position, {&piece, 1}});
    REQUIRE(ring->close());
  }
  const WalkedFile file = walk(read_file(path));
  REQUIRE(file.fault.empty());
  CHECK(file.packet_times.size() == 12'000);
}

TEST_CASE("lane: a batch of many small pieces makes the same record, whatever its size") {
  const bool urgent = GENERATE(false, true);
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    for (const std::size_t count : {3, 700, 1, 120, 121, 2900, 5, 300}) {
      PacketBatch batch = packets.next(count, 1001);
      batch.urgent = urgent;
      append_block_by_block(ring->lane(0), batch);
    }
    REQUIRE(ring->close());
  }
  check_holds_all(path, packets);
}

TEST_CASE("lane: names have no time: their run goes by the first block that has one") {
  constexpr std::int64_t kTime = 1'700'000'000'000'000'000;
  constexpr SourceId kCluster{SourceKind::kKubernetes, 0, 7};
  constexpr std::byte kAddress[4] = {};
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  std::vector<std::byte> names;
  const pcapng::NameEntry name{kAddress, "shop/frontend"};
  pcapng::Writer(names).name_resolution({&name, 1});
  std::vector<std::byte> entry;
  pcapng::write_note(entry, kTime, "pod shop/frontend is there");
  const std::vector<BlockPiece> pieces{{names, names.size()}, {entry, names.size() + entry.size()}};
  {
    const auto ring = open_ring(small_ring(path));
    REQUIRE(append_now(ring->lane(0), {kCluster, 0, pieces}) == pieces[1].end_position);
    const auto view = RingView::open(path);
    REQUIRE(view);
    CHECK(view->segments().at(0).first_ns == kTime);
    REQUIRE(ring->close());
  }
  CHECK(verify(path)->whole());
}

TEST_CASE("lane: what is urgent is copied, and makes the same record") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    for (const std::size_t count : {3, 700, 1, 64, 65, 66, 67, 2000, 5, 300, 900}) {
      PacketBatch batch = packets.next(count, 997);
      batch.urgent = true;
      append_all(ring->lane(0), batch);
    }
    REQUIRE(ring->close());
  }
  check_holds_all(path, packets);
}

TEST_CASE("lane: a new interface is described before its first packet, in the segment at hand") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    RingOptions options = small_ring(path);
    options.interfaces = *interfaces({"a"});
    const auto ring = open_ring(options);
    ring->lane(0).set_interfaces(interfaces({"a", "b"}));
    append_all(ring->lane(0), packets.next(10));
    ring->lane(0).set_interfaces(interfaces({"a", "b", "c"}));
    append_all(ring->lane(0), packets.next(10));
    REQUIRE(ring->close());
  }
  const std::vector<std::byte> bytes = read_file(path);
  CHECK(walk(bytes).fault.empty());
  const auto sections = interface_names(bytes);
  REQUIRE(sections.size() == 1);
  CHECK(sections[0] == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("lane: an interface that becomes another begins a new segment") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    append_all(ring->lane(0), packets.next(10));
    ring->lane(0).set_interfaces(interfaces({"eth0", "veth7"}));
    append_all(ring->lane(0), packets.next(10));
    REQUIRE(ring->close());
  }
  const auto sections = interface_names(read_file(path));
  REQUIRE(sections.size() == 2);
  CHECK(sections[0] == std::vector<std::string>{"eth0", "lo"});
  CHECK(sections[1] == std::vector<std::string>{"eth0", "veth7"});
}

TEST_CASE("lane: an id that was blank is named in the segment at hand, for its packets in it") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    RingOptions options = small_ring(path);
    options.interfaces = *interfaces({"eth0", "", ""});
    const auto ring = open_ring(options);
    append_all(ring->lane(0), packets.next(1));  // eth0
    ring->lane(0).set_interfaces(interfaces({"eth0", "veth7", ""}));
    ring->lane(0).set_interfaces(interfaces({"eth0", "veth7", "veth8", "veth9"}));
    append_all(ring->lane(0), packets.next(9));
    REQUIRE(ring->close());
  }
  const auto view = RingView::open(path);
  REQUIRE(view);
  const auto segments = view->segments();
  REQUIRE(segments.size() == 1);
  CHECK(view->interfaces(segments[0]) == *interfaces({"eth0", "veth7", "veth8", "veth9"}));
  check_holds_all(path, packets);
  const auto sections = interface_names(read_file(path));
  REQUIRE(sections.size() == 1);
  CHECK(sections[0] == std::vector<std::string>{"eth0", "", "", "veth9"});
}

TEST_CASE("lane: stock readers take a segment with blank interfaces") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    RingOptions options = small_ring(path);
    options.interfaces = *interfaces({"eth0", ""});
    const auto ring = open_ring(options);
    ring->lane(0).set_interfaces(interfaces({"eth0", "veth7"}));
    append_all(ring->lane(0), packets.next(4));
    ring->lane(0).set_interfaces(interfaces({"eth0", ""}));
    append_all(ring->lane(0), packets.next(1));
    REQUIRE(ring->close());
  }
  const std::string file = path.string();
  using caprock::test::output_of;
  CHECK(output_of("tshark -r " + file + " -T fields -e frame.interface_id 2>&1") ==
        "0\n1\n0\n1\n0\n");
  CHECK(output_of("tcpdump -r " + file + " --count 2>&1 | grep -c '5 packets'") == "1\n");
  CHECK(output_of("capinfos -T -r -c " + file + " 2>&1 | cut -f2") == "5\n");
}

TEST_CASE("lane: many ids are blank, and then named one by one, in two segments") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  InterfaceList list(4096, {"veth0123456789a", "pod shop/cart-5d9f8b7c6-x2x4z"});
  {
    RingOptions options = small_ring(path);
    options.interfaces = list;
    const auto ring = open_ring(options);
    append_all(ring->lane(0), packets.next(1));
    const auto set = [&] {
      ring->lane(0).set_interfaces(std::make_shared<const InterfaceList>(list));
      append_all(ring->lane(0), packets.next(1, 100));
    };
    std::fill(list.begin() + 2, list.end(), InterfaceRecord{});
    set();
    for (std::size_t id = 2; id < 500; ++id) {
      list[id] = {"veth" + std::to_string(id), "pod shop/cart-" + std::to_string(id)};
      set();
    }
    REQUIRE(ring->close());
  }
  const auto view = RingView::open(path);
  REQUIRE(view);
  const auto segments = view->segments();
  REQUIRE(segments.size() == 2);
  CHECK(view->interfaces(segments[1]) == list);
  check_holds_all(path, packets);
}

TEST_CASE("lane: a step of the wall clock begins a new segment and generation") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_ring(small_ring(path));
    append_all(ring->lane(0), packets.next(10));
    ring->lane(0).set_wall_offset(5'000'000'000);
    append_all(ring->lane(0), packets.next(10));
    REQUIRE(ring->close());
  }
  const std::vector<std::byte> bytes = read_file(path);
  const auto first = load<SegmentHead>(bytes, kSegmentHeadOffset);
  const auto second = load<SegmentHead>(bytes, kMebibyte + kSegmentHeadOffset);
  CHECK(second.sequence > first.sequence);
  CHECK(first.wall_offset_ns == 1'000'000'000);
  CHECK(second.wall_offset_ns == 5'000'000'000);
  CHECK(second.clock_generation == first.clock_generation + 1);
}

TEST_CASE(
    "lane: a long run is committed when it has settled, and whatever comes next lets it settle") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  const auto ring = open_ring(small_ring(path));
  LaneWriter& lane = ring->lane(0);
  append_all(lane, packets.next(1));
  const auto frontier = [&] {
    return load<SegmentHead>(read_file(path), kSegmentHeadOffset).frontier;
  };
  const std::uint64_t before = frontier();
  const PacketBatch batch = packets.next(300);
  lane.append(batch);
  SECTION("asked for") {}
  SECTION("a reveal") {
    lane.reveal();
  }
  SECTION("a new interface") {
    lane.set_interfaces(interfaces({"eth0", "lo", "eth1"}));
  }
  SECTION("a clock step") {
    lane.set_wall_offset(5'000'000'000);
  }
  CHECK(lane.settle() == batch.pieces[0].end_position);
  CHECK(frontier() >= before + batch.pieces[0].bytes.size());
  CHECK(lane.settle() == batch.pieces[0].end_position);
  append_all(lane, packets.next(1));
  REQUIRE(ring->close());
  const WalkedFile file = walk(read_file(path));
  CHECK(file.fault.empty());
  CHECK(file.packet_times.size() == 302);
}

TEST_CASE("lane: a block of the largest snaplen fits the smallest segment") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    RingOptions options = small_ring(path);
    options.interfaces = InterfaceList(4096, {"veth0123456789a", std::string(250, 'd')});
    const auto ring = open_ring(options);
    for (int i = 0; i < 8; ++i)
      append_all(ring->lane(0), packets.next(1, kSnaplen));
    REQUIRE(ring->close());
  }
  const WalkedFile file = walk(read_file(path));
  CHECK(file.fault.empty());
  CHECK(file.packet_times.size() == 8);
}

TEST_CASE("lane: a source with broken block lengths is skipped, and does not eat the ring") {
  const TemporaryDirectory directory;
  const auto ring = open_ring(small_ring(directory / "ring.pcapng"));
  const std::vector<std::byte> zeros(2 * kMebibyte);
  const BlockPiece piece{zeros, zeros.size()};
  CHECK(append_now(ring->lane(0), {{SourceKind::kStage, 0, 1}, 0, {&piece, 1}}) == zeros.size());
  CHECK(ring->status().laps == 0);
}

TEST_CASE("lane: an idle lane's segment does not outlive the history") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.lanes = 2;
  const auto ring = open_ring(options);
  PacketStream idle(0);
  append_all(ring->lane(0), idle.next(1));
  const std::uint64_t before = ring->status().lanes[0].sequence;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  PacketStream busy(1);  // its packets are of years ago: what the clock says does not matter
  while (ring->status().lanes[0].sequence == before) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    append_all(ring->lane(1), busy.next(500));
    ring->lane(0).reveal();
  }
  CHECK(ring->status().laps >= 1);
}

}  // namespace
}  // namespace caprock::store::test
