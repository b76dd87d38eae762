// SPDX-License-Identifier: Apache-2.0
#include "export/export.hpp"

#include <algorithm>
#include <stdexcept>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "pcapng/reader.hpp"
#include "support/command.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "told_event.hpp"

namespace caprock::exporting {
namespace {

using store::RingView;
using test::cpu;
using test::output_of;
using test::ring_of;
using test::SegmentBuilder;
using test::TemporaryFile;

const InterfaceList kInterfaces{{"eth0", "the first"}, {"eth1", ""}};
constexpr std::int64_t kSecond = 1'000'000'000;

class MemorySink : public Sink {
 public:
  Status write(Bytes piece) override {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  }
  std::vector<std::byte> bytes;
};

struct Exported {
  ExportReport report;
  std::vector<std::byte> bytes;
};

Exported export_ring(const std::vector<SegmentBuilder>& segments,
                     const ExportOptions& options = {}) {
  const TemporaryFile file(ring_of(segments));
  const auto view = RingView::open(file.path());
  REQUIRE(view);
  MemorySink sink;
  auto report = export_window(*view, options, sink);
  REQUIRE(report);
  CHECK(report->bytes == sink.bytes.size());
  return {*std::move(report), std::move(sink.bytes)};
}

std::vector<pcapng::Block> blocks_of(Bytes file, std::uint32_t type) {
  std::vector<pcapng::Block> found;
  pcapng::BlockCursor cursor(file);
  while (const auto block = cursor.next()) {
    if (block->type == type) found.push_back(*block);
  }
  CHECK_FALSE(cursor.fault());
  return found;
}

/// "interface name:payload" of every packet.
std::vector<std::string> packets_of(Bytes file) {
  std::vector<std::string> names;
  for (const auto& block : blocks_of(file, pcapng::kInterfaceDescription)) {
    names.emplace_back(pcapng::as_interface(block)->name());
  }
  std::vector<std::string> found;
  for (const auto& block : blocks_of(file, pcapng::kEnhancedPacket)) {
    const auto packet = pcapng::as_packet(block);
    const Bytes text = packet->captured.subspan(14);
    found.push_back(names.at(packet->interface_id) + ":" +
                    std::string(reinterpret_cast<const char*>(text.data()), text.size()));
  }
  return found;
}

/// Two CPUs on two interfaces, with a loss.
SegmentBuilder two_interfaces() {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{kSecond + 1, "a", 0}, {kSecond + 3, "c", 1, 5}})
      .run(cpu(1), {{kSecond + 2, "b", 1}});
  return segment;
}

/// UDP packets to ports 53, 80, 53 at 1 s, 2 s, 3 s, of 42 + 100 bytes.
SegmentBuilder udp_traffic() {
  SegmentBuilder segment(1, 0, kInterfaces);
  std::vector<std::byte> blocks;
  std::int64_t time_ns = 0;
  for (const std::uint16_t port : std::vector<std::uint16_t>{53, 80, 53}) {
    time_ns += kSecond + 123'456'789;
    SegmentBuilder::append_packet(blocks, {time_ns, ""},
                                  test::udp_frame(port, std::string(100, 'x')));
  }
  segment.raw_run(cpu(0), blocks, kSecond);
  return segment;
}

/// 600 packets of 1 kB on two interfaces in turn, of which every hundredth tells of a loss.
std::vector<test::TestPacket> long_run(std::int64_t first_ns) {
  std::vector<test::TestPacket> packets;
  for (std::uint32_t i = 0; i < 600; ++i) {
    const std::string payload = std::to_string(i) + std::string(1000 + i % 7, 'x');
    packets.push_back({first_ns + i, payload, i % 2, i % 100 == 99 ? 3u : 0u});
  }
  return packets;
}

/// As packets_of() tells them.
void append_names(std::vector<std::string>& names, const std::vector<test::TestPacket>& packets,
                  const InterfaceList& interfaces) {
  for (const auto& packet : packets)
    names.push_back(interfaces[packet.interface_id].name + ":" + packet.payload);
}

}  // namespace

TEST_CASE(
    "export: a wall clock that is set reorders nothing, and a window is by the last setting") {
  // Monotonic times 10, 20 and 30, 40; the clock was set back by 500 in between, and another lane
  // was idle.
  SegmentBuilder before(1, 0, kInterfaces);
  before.clock(3, 1000).run(cpu(0), {{1010, "a"}, {1025, "c"}}).run(cpu(1), {{1020, "b"}});
  SegmentBuilder after(2, 0, kInterfaces);
  after.clock(4, 500).run(cpu(0), {{530, "d"}, {540, "e"}});
  SegmentBuilder earlier(3, 1, kInterfaces);  // its segment was begun late
  earlier.clock(3, 1000).run(cpu(2), {{1027, "C"}});
  const std::vector<std::string> all{"eth0:a", "eth0:b", "eth0:c", "eth0:C", "eth0:d", "eth0:e"};
  CHECK(packets_of(export_ring({before, after, earlier}).bytes) == all);
  const auto recent = export_ring({before, after, earlier}, {.from_ns = 525, .to_ns = 540});
  CHECK(packets_of(recent.bytes) == std::vector<std::string>{"eth0:c", "eth0:C", "eth0:d"});
  CHECK(recent.report.skipped.empty());
}

TEST_CASE("export: what another boot recorded is where its own clock has it") {
  SegmentBuilder other(1, 0, kInterfaces);
  other.run(cpu(0), {{2000, "b"}});
  SegmentBuilder before(2, 0, kInterfaces);
  before.clock(3, 900).run(cpu(0), {{1000, "a"}});  // by the later clock 2100
  SegmentBuilder after(3, 0, kInterfaces);
  after.clock(4, 2000).run(cpu(0), {{2200, "c"}});
  CHECK(packets_of(export_ring({other, before, after}).bytes) ==
        std::vector<std::string>{"eth0:b", "eth0:a", "eth0:c"});
}

TEST_CASE("export: long runs go through whole, whether their interfaces keep their ids or not") {
  const InterfaceList turned{kInterfaces[1], kInterfaces[0]};
  const InterfaceList& second = GENERATE_REF(kInterfaces, turned);
  SegmentBuilder one(1, 0, kInterfaces);
  SegmentBuilder two(2, 0, second);
  one.run(cpu(0), long_run(kSecond));
  two.run(cpu(0), long_run(2 * kSecond));
  std::vector<std::string> names;
  append_names(names, long_run(kSecond), kInterfaces);
  append_names(names, long_run(2 * kSecond), second);
  const Exported exported = export_ring({one, two});
  CHECK(packets_of(exported.bytes) == names);
  CHECK(exported.report.packets == 1200);
  CHECK(exported.report.dropped == 36);
  CHECK(exported.report.first_ns == kSecond);
  CHECK(exported.report.last_ns == 2 * kSecond + 599);
  const auto statistics = blocks_of(exported.bytes, pcapng::kInterfaceStatistics);
  REQUIRE(statistics.size() == 2);
  std::uint64_t received = 0;
  for (const auto& block : statistics) {
    received += *pcapng::number_option<std::uint64_t>(pcapng::as_statistics(block)->options,
                                                      pcapng::kInterfaceReceived);
  }
  CHECK(received == 1236);
}

TEST_CASE(
    "export: pcapng is one section with all interfaces, the packets in time order, and "
    "statistics") {
  const Exported exported = export_ring({two_interfaces()});
  CHECK(packets_of(exported.bytes) == std::vector<std::string>{"eth0:a", "eth1:b", "eth1:c"});
  CHECK(blocks_of(exported.bytes, pcapng::kSectionHeader).size() == 1);
  CHECK(blocks_of(exported.bytes, store::kRunHeadType).empty());
  const auto statistics = blocks_of(exported.bytes, pcapng::kInterfaceStatistics);
  REQUIRE(statistics.size() == 2);
  const Bytes options = pcapng::as_statistics(statistics[1])->options;
  CHECK(pcapng::number_option<std::uint64_t>(options, pcapng::kInterfaceReceived) == 7);
  CHECK(pcapng::number_option<std::uint64_t>(options, pcapng::kInterfaceDropped) == 5);
}

TEST_CASE("export: the report says what the file holds") {
  const ExportReport report = export_ring({two_interfaces()}).report;
  CHECK(report.packets == 3);
  CHECK(report.dropped == 5);
  CHECK(report.first_ns == kSecond + 1);
  CHECK(report.last_ns == kSecond + 3);
  CHECK(report.skipped.empty());
}

TEST_CASE("export: a block goes through as it was recorded") {
  const SegmentBuilder segment = two_interfaces();
  const Exported exported = export_ring({segment});
  const auto last = blocks_of(exported.bytes, pcapng::kEnhancedPacket).back();
  CHECK(std::ranges::search(segment.bytes(), last.bytes).size() == last.bytes.size());
}

TEST_CASE("export: only the window's packets are in it") {
  const Exported exported =
      export_ring({two_interfaces()}, {.from_ns = kSecond + 2, .to_ns = kSecond + 3});
  CHECK(packets_of(exported.bytes) == std::vector<std::string>{"eth1:b"});
}

TEST_CASE("export: an empty window is a file without packets") {
  const Exported exported = export_ring({two_interfaces()}, {.from_ns = 5 * kSecond});
  CHECK(exported.report.packets == 0);
  CHECK(blocks_of(exported.bytes, pcapng::kSectionHeader).size() == 1);
}

TEST_CASE("export: an id that means two interfaces in two segments becomes two ids") {
  SegmentBuilder one(1, 0, {{"eth0", ""}, {"veth1", "pod a"}});
  SegmentBuilder two(2, 0, {{"eth0", ""}, {"veth2", "pod b"}, {"veth3", ""}});
  one.run(cpu(0), {{10, "a", 1}, {20, "b", 0}});
  two.run(cpu(0), {{30, "c", 1}, {40, "d", 2}, {50, "e", 0}});
  const Exported exported = export_ring({one, two});
  CHECK(packets_of(exported.bytes) ==
        std::vector<std::string>{"veth1:a", "eth0:b", "veth2:c", "veth3:d", "eth0:e"});
  CHECK(blocks_of(exported.bytes, pcapng::kInterfaceDescription).size() == 4);
}

TEST_CASE("export: an id keeps its number where another segment has only a placeholder for it") {
  SegmentBuilder one(1, 0, {{"eth0", ""}, {"", ""}, {"veth2", ""}});
  SegmentBuilder two(2, 1, {{"eth0", ""}, {"veth1", ""}});
  one.run(cpu(0), {{10, "a", 2}});
  two.run(cpu(1), {{20, "b", 1}});
  const Exported exported = export_ring({one, two});
  CHECK(packets_of(exported.bytes) == std::vector<std::string>{"veth2:a", "veth1:b"});
  CHECK(blocks_of(exported.bytes, pcapng::kInterfaceDescription).size() == 3);
}

TEST_CASE(
    "export: packets of an id that was vacated and named again have the names of their time") {
  SegmentBuilder one(1, 0, {{"eth0", ""}, {"veth1", "pod a"}});
  SegmentBuilder two(2, 0, {{"eth0", ""}, {"", ""}});
  SegmentBuilder three(3, 0, {{"eth0", ""}, {"veth2", "pod b"}});
  one.run(cpu(0), {{10, "a", 1}});
  two.run(cpu(0), {{20, "b", 0}}).name_interface(1, {"veth2", "pod b"}).run(cpu(0), {{30, "c", 1}});
  three.run(cpu(0), {{40, "d", 1}});
  const Exported exported = export_ring({one, two, three});
  CHECK(packets_of(exported.bytes) ==
        std::vector<std::string>{"veth1:a", "eth0:b", "veth2:c", "veth2:d"});
  CHECK(blocks_of(exported.bytes, pcapng::kInterfaceDescription).size() == 3);
  CHECK(blocks_of(exported.bytes, store::kInterfaceNamingType).empty());
}

TEST_CASE("export: interface names carry the prefix, unused ids none") {
  SegmentBuilder segment(1, 0, {{"eth0", ""}, {"", ""}});
  segment.run(cpu(0), {{10, "a"}});
  const Exported exported = export_ring({segment}, {.interface_prefix = "node7/"});
  const auto interfaces = blocks_of(exported.bytes, pcapng::kInterfaceDescription);
  REQUIRE(interfaces.size() == 2);
  CHECK(pcapng::as_interface(interfaces[0])->name() == "node7/eth0");
  CHECK(pcapng::as_interface(interfaces[1])->name().empty());
}

TEST_CASE("export: packets of an interface that is not described are left out and told") {
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.run(cpu(0), {{10, "a", 0}, {20, "b", 7}});
  const Exported exported = export_ring({segment});
  CHECK(packets_of(exported.bytes) == std::vector<std::string>{"eth0:a"});
  CHECK(exported.report.skipped ==
        std::vector<std::string>{"packets left out because their interface is not described: 1"});
  const auto notes = blocks_of(exported.bytes, pcapng::kJournalExport);
  REQUIRE(notes.size() == 1);
  CHECK(pcapng::is_note(notes[0]));
}

TEST_CASE("export: a filter lets through what libpcap lets through") {
  const Exported exported = export_ring({udp_traffic()}, {.filter = "udp port 53"});
  CHECK(exported.report.packets == 2);
  CHECK(blocks_of(exported.bytes, pcapng::kEnhancedPacket).size() == 2);
}

TEST_CASE("export: a wrong filter is refused in libpcap's words, before anything is written") {
  const TemporaryFile file(ring_of({udp_traffic()}));
  const auto view = RingView::open(file.path());
  MemorySink sink;
  const auto report = export_window(*view, {.filter = "udp prt 53"}, sink);
  REQUIRE_FALSE(report);
  CHECK(report.error().message().find("syntax error") != std::string::npos);
  CHECK(sink.bytes.empty());
}

TEST_CASE("export: the sink's error ends the export") {
  const TemporaryFile file(ring_of({udp_traffic()}));
  const auto view = RingView::open(file.path());
  FunctionSink sink([](Bytes) -> Status { return Error("the client is gone"); });
  const auto report = export_window(*view, {}, sink);
  REQUIRE_FALSE(report);
  CHECK(report.error().message() == "the client is gone");
}

TEST_CASE("export: the sink's exception ends the export as an error") {
  const TemporaryFile file(ring_of({udp_traffic()}));
  const auto view = RingView::open(file.path());
  bool head_written = false;
  FunctionSink sink([&](Bytes piece) -> Status {
    if (piece.size() > 300) throw std::runtime_error("out of memory");
    head_written = true;
    return {};
  });
  const auto report = export_window(*view, {}, sink);
  CHECK(head_written);
  REQUIRE_FALSE(report);
  CHECK(report.error().message() == "out of memory");
}

TEST_CASE("export: a filter that lets nothing through still asks whether anybody is there") {
  const TemporaryFile file(ring_of({udp_traffic()}));
  const auto view = RingView::open(file.path());
  FunctionSink sink([](Bytes piece) -> Status {
    if (piece.empty()) return Error("the client is gone");
    return {};
  });
  const auto report = export_window(*view, {.filter = "udp port 4711"}, sink);
  REQUIRE_FALSE(report);
  CHECK(report.error().message() == "the client is gone");
}

TEST_CASE("export: events go into a pcapng, past a filter, unless they are not wanted") {
  SegmentBuilder segment = udp_traffic();
  std::vector<std::byte> event;
  pcapng::Writer(event).journal_entry(std::vector<pcapng::JournalField>{
      {"__REALTIME_TIMESTAMP", "2000000"}, {"MESSAGE", "pod started"}});
  segment.raw_run({SourceKind::kControl, 0, 1}, event, 2 * kSecond);
  CHECK(blocks_of(export_ring({segment}, {.filter = "port 1"}).bytes, pcapng::kJournalExport)
            .size() == 1);
  CHECK(blocks_of(export_ring({segment}, {.events = false}).bytes, pcapng::kJournalExport).empty());
  CHECK(export_ring({segment}, {.format = Format::kPcap}).report.packets == 3);
}

TEST_CASE("export: a snaplen cuts packets and keeps their original length and options") {
  const Exported exported = export_ring({udp_traffic()}, {.snaplen = 50});
  const auto packet = pcapng::as_packet(blocks_of(exported.bytes, pcapng::kEnhancedPacket).at(1));
  REQUIRE(packet);
  CHECK(packet->captured.size() == 50);
  CHECK(packet->original_bytes == 142);
  CHECK(packet->flags() == 1);
}

TEST_CASE("export: tshark and tcpdump read every format alike, times included") {
  if (!test::is_installed("tshark") || !test::is_installed("tcpdump"))
    SKIP("tshark or tcpdump is not installed");
  const auto [format, times] = GENERATE(table<Format, std::string>({
      {Format::kPcapng, "1.123456789\n2.246913578\n3.370370367\n"},
      {Format::kPcapNs, "1.123456789\n2.246913578\n3.370370367\n"},
      {Format::kPcap, "1.123456000\n2.246913000\n3.370370000\n"},
  }));
  const TemporaryFile file(export_ring({udp_traffic()}, {.format = format}).bytes);
  const std::string path = file.path().string();
  CHECK(output_of("tshark -r " + path + " -T fields -e frame.time_epoch") == times);
  CHECK(output_of("tcpdump --nano -nn -r " + path + " udp port 53 2>/dev/null | wc -l") == "2\n");
}

TEST_CASE("export: tshark shows interface names, losses and events of a pcapng") {
  if (!test::is_installed("tshark")) SKIP("tshark is not installed");
  SegmentBuilder segment = two_interfaces();
  std::vector<std::byte> event;
  pcapng::Writer(event).journal_entry(std::vector<pcapng::JournalField>{
      {"__REALTIME_TIMESTAMP", "2000000"}, {"MESSAGE", "pod started"}});
  segment.raw_run({SourceKind::kControl, 0, 1}, event, 2 * kSecond);
  const TemporaryFile file(export_ring({segment}).bytes);
  CHECK(output_of(
            "tshark -r " + file.path().string() +
            " -T fields -e frame.interface_name -e frame.drop_count -e systemd_journal.message") ==
        "eth0\t\t\neth1\t\t\neth1\t5\t\n\t\tpod started\n");
}

TEST_CASE("export: the process of a packet is told by events of up to an hour before it") {
  constexpr std::int64_t kHour = 3600 * kSecond;
  std::vector<std::byte> events;
  const auto bind = [&](std::int64_t time_ns, const char* pid, const char* flow) {
    test::append_event(events, time_ns,
                       {.event = "bind", .pid = pid, .flow = flow, .network = "1"});
  };
  bind(9 * kSecond, "7", "UDP 10.0.0.1:40000 > 0.0.0.0:0");
  bind(11 * kSecond, "8", "UDP 10.0.0.2:53 > 0.0.0.0:0");
  std::vector<std::byte> packets;
  SegmentBuilder::append_packet(packets, {kHour + 10 * kSecond, ""}, test::udp_frame(53, "x"));
  SegmentBuilder segment(1, 0, kInterfaces);
  segment.raw_run({SourceKind::kEvents, 0, 1}, events, 9 * kSecond)
      .raw_run(cpu(0), packets, kHour + 10 * kSecond);
  const auto comment = [&](std::int64_t from_ns) {
    const auto out = export_ring({segment}, {.from_ns = from_ns, .processes = true}).bytes;
    const auto packet = pcapng::as_packet(blocks_of(out, pcapng::kEnhancedPacket).at(0));
    return std::string(pcapng::text_option(packet->options, pcapng::kComment));
  };
  CHECK(comment(kHour + 9 * kSecond) == "from curl[7] to curl[8]");
  CHECK(comment(kHour + 10 * kSecond) == "to curl[8]");
}

TEST_CASE("export: what contradicts itself is refused") {
  CHECK(check({}));
  CHECK(check({.format = Format::kJson, .packets = false}));
  CHECK_FALSE(check({.format = Format::kPcap, .processes = true}));
  CHECK_FALSE(check({.format = Format::kJson, .processes = true}));
  CHECK_FALSE(check({.format = Format::kPcapNs, .packets = false}));
  CHECK_FALSE(check({.format = Format::kJson, .events = false}));
}

TEST_CASE("export: formats are known by the names users write") {
  CHECK(*parse_format("pcapng") == Format::kPcapng);
  CHECK(*parse_format("pcap") == Format::kPcap);
  CHECK(*parse_format("pcap-ns") == Format::kPcapNs);
  CHECK(parse_format("pcap2").error().message() ==
        "unknown format \"pcap2\": use pcapng, pcap, pcap-ns or json");
}

}  // namespace caprock::exporting
