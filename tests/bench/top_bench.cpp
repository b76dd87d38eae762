// SPDX-License-Identifier: Apache-2.0
// What a look of `caprock top` costs: fills a ring with packets of so many flows, in one second of
// the record, and tells how long looks at that second take.
//
// usage: bench_top DIRECTORY PACKETS FLOWS CAPTURED_BYTES
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "agent/top.hpp"
#include "core/clock.hpp"
#include "store/ring.hpp"
#include "support/traffic_blocks.hpp"

namespace caprock {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kRunPackets = 500;

struct Wishes {
  std::string directory;
  std::uint64_t packets;
  std::uint64_t flows;
  std::size_t captured_bytes;
};

std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

exporting::Flow flow_number(std::uint64_t number) {
  constexpr std::uint64_t kPorts = 50'000;
  exporting::Flow flow{.protocol = IPPROTO_TCP, .source = {}, .destination = {}};
  for (exporting::FlowEnd* end : {&flow.source, &flow.destination})
    end->address[10] = end->address[11] = std::byte{0xff};
  flow.source.address[15] = static_cast<std::byte>(1 + number / kPorts);
  flow.source.port = static_cast<std::uint16_t>(1024 + number % kPorts);
  flow.destination.address[12] = std::byte{10};
  flow.destination.port = 443;
  return flow;
}

void append_packet(std::vector<std::byte>& out, const Wishes& wishes, std::uint64_t number,
                   std::int64_t time_ns) {
  auto frame = test::headers_of(flow_number(number * 7919 % wishes.flows));
  frame.resize(std::max(frame.size(), wishes.captured_bytes));
  pcapng::Writer(out).packet({.interface_id = 0,
                              .time_ns = time_ns,
                              .captured = frame,
                              .original_bytes = static_cast<std::uint32_t>(frame.size()),
                              .flags = test::kOutbound,
                              .dropped = 0});
}

/// All in the second before `end_ns`.
void fill(store::LaneWriter& lane, const Wishes& wishes, std::int64_t end_ns) {
  const SourceId source{SourceKind::kStage, 0, 1};
  std::uint64_t position = 0;
  std::vector<std::byte> run;
  for (std::uint64_t i = 0; i < wishes.packets; ++i) {
    const auto at = static_cast<std::int64_t>(static_cast<double>(i) /
                                              static_cast<double>(wishes.packets) * kSecond);
    append_packet(run, wishes, i, end_ns - kSecond + at);
    if ((i + 1) % kRunPackets != 0 && i + 1 != wishes.packets) continue;
    const BlockPiece piece{run, position + run.size()};
    lane.append({.source = source, .position = position, .pieces = {&piece, 1}});
    lane.settle();
    position += run.size();
    run.clear();
  }
}

Status measure(const Wishes& wishes) {
  constexpr int kLooks = 5;
  const std::int64_t end_ns = wall_ns();
  const std::uint64_t record_bytes = wishes.packets * (wishes.captured_bytes + 64);
  auto ring = store::Ring::open({.path = wishes.directory + "/ring.pcapng",
                                 .storage_bytes = 2 * record_bytes + (64u << 20),
                                 .node = "bench",
                                 .interfaces = {InterfaceRecord{.name = "eth0", .description = {}}},
                                 .wall_offset_ns = wall_offset_ns()});
  if (!ring) return std::move(ring).error();
  fill((*ring)->lane(0), wishes, end_ns);
  agent::Top top;
  const agent::Top::Source source{
      .open = [&] { return store::RingView::open((*ring)->status().path); },
      .complete_until = [&] { return end_ns; },
      .wanted = [] { return true; }};
  for (int i = 0; i < kLooks; ++i) {
    const std::int64_t begin_ns = monotonic_ns();
    const std::int64_t cpu_begin_ns = cpu_ns();
    const auto report =
        top.look({.window = std::chrono::seconds(1), .by = "flow", .sort = "bytes"}, source);
    const std::int64_t cpu_took_ns = cpu_ns() - cpu_begin_ns;
    const std::int64_t took_ns = monotonic_ns() - begin_ns;
    if (!report) return report.error();
    fmt::print(
        "{{\"packets\": {}, \"flows\": {}, \"rows\": {}, \"ms\": {:.1f}, "
        "\"cpu_ms\": {:.1f}}}\n",
        report->total.packets, report->flows, report->rows.size(),
        static_cast<double>(took_ns) / 1e6, static_cast<double>(cpu_took_ns) / 1e6);
  }
  return (*ring)->close();
}

}  // namespace
}  // namespace caprock

int main(int count, char** words) {
  using namespace caprock;
  if (count != 5) {
    fmt::print(stderr, "usage: bench_top DIRECTORY PACKETS FLOWS CAPTURED_BYTES\n");
    return 2;
  }
  const auto measured = measure({.directory = words[1],
                                 .packets = std::stoull(words[2]),
                                 .flows = std::stoull(words[3]),
                                 .captured_bytes = std::stoull(words[4])});
  if (!measured) fmt::print(stderr, "bench_top: {}\n", measured.error().message());
  return measured ? 0 : 1;
}
