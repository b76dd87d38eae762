// SPDX-License-Identifier: Apache-2.0
#include "export/traffic_meter.hpp"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "export/export.hpp"
#include "export/flow_text.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "support/traffic_blocks.hpp"

using namespace caprock;
using namespace caprock::exporting;

namespace {

constexpr std::int64_t kUs = 1000;
constexpr const char* kTcp = "TCP 10.0.0.1:4000 > 10.0.0.2:80";
constexpr const char* kUdp = "UDP 10.0.0.1:5000 > 10.0.0.3:53";

Flow flow(const char* text) {
  return parse_flow(text).value();
}

bool always() {
  return true;
}

/// Packets of two flows and one that has no ports, and events.
test::TemporaryFile a_record() {
  std::vector<std::byte> blocks;
  test::append_packet(blocks, flow(kTcp), {10 * kUs, 1000, 0, test::kOutbound});
  test::append_packet(blocks, flow(kTcp).reversed(), {11 * kUs, 66, 0, test::kInbound});
  test::append_packet(blocks, flow(kUdp), {12 * kUs, 80, 1, test::kOutbound});
  test::append_packet(blocks, {IPPROTO_ICMP, {}, {}}, {13 * kUs, 70, 1, test::kInbound});
  test::append_packet(blocks, flow(kUdp), {99 * kUs, 80, 1, test::kOutbound});
  std::vector<std::byte> events;
  test::append_event(events, 10 * kUs, "established",
                     {{"_PID", "7"}, {"CAPROCK_LATENCY_NS", "0"}, {"CAPROCK_FLOW", kTcp}});
  test::append_event(events, 11 * kUs, "retransmit", {{"_PID", "7"}, {"CAPROCK_FLOW", kTcp}});
  test::append_event(events, 12 * kUs, "reset-sent", {{"CAPROCK_FLOW", kTcp}});
  test::append_event(events, 12 * kUs, "reset-received", {{"CAPROCK_FLOW", kTcp}});
  test::append_event(events, 13 * kUs, "drop", {{"CAPROCK_FLOW", kUdp}});
  test::append_event(events, 13 * kUs, "closed", {{"CAPROCK_FLOW", kUdp}});
  test::append_event(events, 14 * kUs, "drop", {{"CAPROCK_SUPPRESSED", "40"}});
  test::SegmentBuilder segment(1, 0, {{"eth0", ""}, {"veth1", ""}});
  segment.raw_run(test::cpu(0), blocks, 10 * kUs);
  segment.raw_run({SourceKind::kEvents, 0, 1}, events, 10 * kUs);
  return test::TemporaryFile(test::ring_of({segment}));
}

}  // namespace

TEST_CASE("traffic meter: counts packets by flow as long as they were, and what went wrong") {
  const auto file = a_record();
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  RecentOwners owners(0);
  TrafficMeter meter(owners, always);
  REQUIRE(export_window(*view, {.from_ns = 10 * kUs, .to_ns = 50 * kUs}, meter));
  auto flows = meter.traffic().flows();
  REQUIRE(flows.size() == 2);
  std::ranges::sort(flows, {}, &FlowTraffic::flow);
  const FlowTraffic& tcp = flows[0];
  CHECK(tcp.forward.bytes == 1000);
  CHECK(tcp.backward.bytes == 66);
  CHECK(tcp.host_end == HostEnd::kSource);
  CHECK(tcp.trouble.retransmissions == 1);
  CHECK(tcp.trouble.resets == 2);
  CHECK(meter.interfaces().at(*tcp.interface).name == "eth0");
  const FlowTraffic& udp = flows[1];
  CHECK(udp.forward.packets == 1);
  CHECK(udp.forward.bytes == 80);
  CHECK(udp.trouble.drops == 1);
  CHECK(meter.interfaces().at(*udp.interface).name == "veth1");
  CHECK(meter.traffic().other().packets == 1);
  CHECK(meter.traffic().other().bytes == 70);
  CHECK(meter.traffic().other_trouble().drops == 40);
  REQUIRE(owners.of(flow(kTcp), 10 * kUs) != nullptr);
  CHECK(owners.of(flow(kTcp), 10 * kUs)->pid == 7);
}

TEST_CASE("traffic meter: the stream may come in pieces of any size") {
  const std::size_t size = GENERATE(1u, 7u, 100u, 4096u);
  const auto file = a_record();
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  RecentOwners owners(0);
  TrafficMeter meter(owners, always);
  FunctionSink in_pieces([&](Bytes bytes) -> Status {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(size, bytes.size()))) {
      if (auto taken = meter.write(bytes.first(std::min(size, bytes.size()))); !taken) return taken;
    }
    return {};
  });
  REQUIRE(export_window(*view, {}, in_pieces));
  CHECK(meter.traffic().flows().size() == 2);
  CHECK(meter.traffic().other_trouble().drops == 40);
  REQUIRE(meter.interfaces().size() == 2);
  CHECK(meter.interfaces()[1].name == "veth1");
}

TEST_CASE("traffic meter: ends when nobody waits any more") {
  const auto file = a_record();
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  RecentOwners owners(0);
  TrafficMeter meter(owners, [] { return false; });
  CHECK_FALSE(export_window(*view, {}, meter));
}
