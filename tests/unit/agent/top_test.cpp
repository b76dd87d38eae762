// SPDX-License-Identifier: Apache-2.0
#include "agent/top.hpp"

#include <algorithm>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "export/flow_text.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "support/traffic_blocks.hpp"

using namespace caprock;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr const char* kOfCurl = "TCP 10.0.0.9:40000 > 10.0.0.2:80";
constexpr const char* kOfNginx = "TCP 10.0.0.2:80 > 10.0.0.9:40000";
constexpr const char* kUnowned = "UDP 10.0.0.9:5000 > 10.0.0.3:53";

exporting::Flow flow(const char* text) {
  return exporting::parse_flow(text).value();
}

/// A ring that grows.
class Record {
 public:
  Record& packet(const char* of, const test::FlowPacket& packet) {
    test::append_packet(packets_, flow(of), packet);
    return commit(test::cpu(0), packets_, packet.time_ns);
  }

  Record& event(std::int64_t time_ns, std::string_view event,
                std::vector<pcapng::JournalField> fields) {
    test::append_event(events_, time_ns, event, std::move(fields));
    return commit({SourceKind::kEvents, 0, 1}, events_, time_ns);
  }

  Record& established(std::int64_t time_ns, const char* of, const char* pid, const char* comm,
                      const char* container = "", const char* pod = "") {
    return event(time_ns, "established",
                 {{"_PID", pid},
                  {"_COMM", comm},
                  {"CAPROCK_CONTAINER", container},
                  {"CAPROCK_NAMESPACE", "shop"},
                  {"CAPROCK_POD", pod},
                  {"CAPROCK_LATENCY_NS", "0"},
                  {"CAPROCK_FLOW", of}});
  }

  agent::Top::Source until(std::int64_t time_ns, bool wanted = true) const {
    return {.open = [this] { return store::RingView::open(file_.path()); },
            .complete_until = [time_ns] { return time_ns; },
            .wanted = [wanted] { return wanted; }};
  }

 private:
  Record& commit(SourceId source, std::vector<std::byte>& blocks, std::int64_t time_ns) {
    segment_.raw_run(source, std::exchange(blocks, {}), time_ns);
    file_.write(test::ring_of({segment_}));
    return *this;
  }

  test::SegmentBuilder segment_{1, 0, {{"eth0", ""}, {"veth1", ""}}};
  test::TemporaryFile file_{test::ring_of({segment_})};
  std::vector<std::byte> packets_;
  std::vector<std::byte> events_;
};

api::TopReport look(agent::Top& top, const Record& record, std::int64_t until_ns,
                    const agent::TopQuery& query = {}) {
  auto report = top.look(query, record.until(until_ns));
  REQUIRE(report);
  return *std::move(report);
}

/// A connection whose two ends are this host's, and a flow of nobody's, in the second that ends
/// at 100 s.
void fill(Record& record) {
  record.established(10 * kSecond, kOfCurl, "7", "curl", "c0ffee", "frontend")
      .established(10 * kSecond, kOfNginx, "8", "nginx")
      .packet(kOfCurl, {50 * kSecond, 999'999})
      .packet(kOfCurl, {99 * kSecond, 100, 0, test::kOutbound})
      .packet(kOfNginx, {99 * kSecond + 1, 1400, 0, test::kInbound})
      .packet(kOfNginx, {99 * kSecond + 2, 1400, 0, test::kInbound})
      .packet(kUnowned, {99 * kSecond + 3, 80, 1, test::kOutbound})
      .event(99 * kSecond, "retransmit", {{"_PID", "8"}, {"CAPROCK_FLOW", kOfNginx}})
      .event(99 * kSecond, "drop", {{"CAPROCK_FLOW", kUnowned}})
      .packet(kOfCurl, {100 * kSecond, 999'999});
}

agent::TopQuery query(std::string_view by) {
  return {.window = std::chrono::seconds(1), .by = std::string(by)};
}

}  // namespace

TEST_CASE("top: a look counts the window alone, by flow, with the processes of both ends") {
  Record record;
  fill(record);
  agent::Top top;
  const auto report = look(top, record, 100 * kSecond, query(api::kByFlow));
  CHECK(report.from.ns == 99 * kSecond);
  CHECK(report.to.ns == 100 * kSecond);
  CHECK(report.window == std::chrono::seconds(1));
  CHECK(report.flows == 2);
  REQUIRE(report.rows.size() == 2);
  const api::TopRow& tcp = report.rows[0];
  CHECK(tcp.protocol == "TCP");
  CHECK(tcp.local == "10.0.0.9:40000");
  CHECK(tcp.remote == "10.0.0.2:80");
  CHECK(tcp.interface == "eth0");
  CHECK(tcp.pid == 7);
  CHECK(tcp.comm == "curl");
  CHECK(tcp.container == "c0ffee");
  CHECK(tcp.pod == "shop/frontend");
  CHECK(tcp.remote_pod.empty());
  CHECK(tcp.remote_pid == 8);
  CHECK(tcp.remote_comm == "nginx");
  CHECK(tcp.sent_bytes == 100);
  CHECK(tcp.received_bytes == 2800);
  CHECK(tcp.bytes == 2900);
  CHECK(tcp.packets == 3);
  CHECK(tcp.bytes_per_second == 2900.0);
  CHECK(tcp.packets_per_second == 3.0);
  CHECK(tcp.retransmissions == 1);
  const api::TopRow& udp = report.rows[1];
  CHECK(udp.protocol == "UDP");
  CHECK(udp.local == "10.0.0.9:5000");
  CHECK(udp.interface == "veth1");
  CHECK(udp.pid == 0);
  CHECK(udp.drops == 1);
  CHECK(report.total.bytes == 2980);
  CHECK(report.total.packets == 4);
  CHECK(report.total.retransmissions == 1);
  CHECK(report.total.drops == 1);
  CHECK(report.other.packets == 0);
}

TEST_CASE("top: by process each end's has its own row, and what is nobody's one for itself") {
  Record record;
  fill(record);
  agent::Top top;
  const auto report = look(top, record, 100 * kSecond, query(api::kByProcess));
  REQUIRE(report.rows.size() == 3);
  const auto row_of = [&](std::uint32_t pid) {
    return *std::ranges::find(report.rows, pid, &api::TopRow::pid);
  };
  CHECK(row_of(7).sent_bytes == 100);
  CHECK(row_of(7).received_bytes == 2800);
  CHECK(row_of(7).container == "c0ffee");
  CHECK(row_of(7).pod == "shop/frontend");
  CHECK(row_of(8).sent_bytes == 2800);
  CHECK(row_of(8).received_bytes == 100);
  CHECK(row_of(8).comm == "nginx");
  CHECK(row_of(0).sent_bytes == 80);
  CHECK(report.total.bytes == 2980);  // each flow once
}

TEST_CASE("top: by container") {
  Record record;
  fill(record);
  agent::Top top;
  const auto report = look(top, record, 100 * kSecond, query(api::kByContainer));
  REQUIRE(report.rows.size() == 2);
  CHECK(report.rows[0].container.empty());
  CHECK(report.rows[0].bytes == 2980);
  CHECK(report.rows[0].flows == 2);
  CHECK(report.rows[1].container == "c0ffee");
  CHECK(report.rows[1].pod == "shop/frontend");
  CHECK(report.rows[1].bytes == 2900);
}

TEST_CASE("top: a process that talks to itself is counted once") {
  Record record;
  record.established(kSecond, kOfCurl, "7", "curl")
      .established(kSecond, kOfNginx, "7", "curl")
      .packet(kOfCurl, {99 * kSecond, 100})
      .packet(kOfNginx, {99 * kSecond, 50});
  agent::Top top;
  const auto report = look(top, record, 100 * kSecond, query(api::kByProcess));
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].bytes == 150);
  CHECK(report.rows[0].flows == 1);
}

TEST_CASE("top: what is sorted by comes first, and what the limit leaves out is told as a sum") {
  Record record;
  fill(record);
  agent::Top top;
  auto wanted = query(api::kByFlow);
  wanted.limit = 1;
  wanted.sort = "drops";
  const auto report = look(top, record, 100 * kSecond, wanted);
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].protocol == "UDP");
  CHECK(report.rows_in_all == 2);
  CHECK(report.other.bytes == 2900);
  CHECK(report.other.retransmissions == 1);
  CHECK(report.other.bytes_per_second == 2900.0);
}

TEST_CASE("top: a flow that one of its ends shows is not told among the rest again") {
  constexpr const char* kOfMiddle = "TCP 10.0.0.2:4000 > 10.0.0.3:80";
  constexpr const char* kOfLast = "TCP 10.0.0.3:80 > 10.0.0.2:4000";
  Record record;
  record.established(kSecond, kOfCurl, "7", "curl")
      .established(kSecond, kOfNginx, "8", "nginx")
      .established(kSecond, kOfMiddle, "8", "nginx")
      .established(kSecond, kOfLast, "9", "php")
      .packet(kOfCurl, {99 * kSecond, 100})
      .packet(kOfMiddle, {99 * kSecond, 100})
      .packet(kUnowned, {99 * kSecond, 80});
  agent::Top top;
  auto wanted = query(api::kByProcess);
  wanted.limit = 1;
  const auto report = look(top, record, 100 * kSecond, wanted);
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].comm == "nginx");
  CHECK(report.rows[0].bytes == 200);
  CHECK(report.rows_in_all == 4);
  CHECK(report.other.bytes == 80);
}

TEST_CASE("top: without owners the end that the interface sends from is the local one") {
  Record record;
  record.packet(kOfNginx, {99 * kSecond, 100, 0, test::kOutbound});
  record.packet(kOfCurl, {99 * kSecond, 100, 0, test::kInbound});
  agent::Top top;
  CHECK(look(top, record, 100 * kSecond, query(api::kByFlow)).rows.at(0).local == "10.0.0.2:80");
}

TEST_CASE("top: the next look knows what happened since, the events in between included") {
  Record record;
  fill(record);
  agent::Top top;
  CHECK(look(top, record, 100 * kSecond, query(api::kByProcess)).rows.size() == 3);
  constexpr const char* kNext = "TCP 10.0.0.9:40001 > 10.0.0.2:80";
  record.established(105 * kSecond, kNext, "9", "wget")
      .packet(kNext, {109 * kSecond, 500})
      .packet(kOfCurl, {109 * kSecond, 300});
  const auto report = look(top, record, 110 * kSecond, query(api::kByProcess));
  CHECK(report.rows.at(0).comm == "wget");
  CHECK(report.rows.at(1).comm == "nginx");
  CHECK(report.rows.at(2).comm == "curl");
}

TEST_CASE("top: a look that nobody waits for ends, and the next one is right") {
  Record record;
  fill(record);
  agent::Top top;
  CHECK_FALSE(top.look(query(api::kByFlow), record.until(100 * kSecond, false)));
  CHECK(look(top, record, 100 * kSecond, query(api::kByFlow)).rows.at(0).pid == 7);
}

TEST_CASE("top: a look that nobody waits for takes nothing from the others") {
  Record record;
  fill(record);
  agent::Top top;
  look(top, record, 100 * kSecond);
  constexpr const char* kNext = "TCP 10.0.0.9:40001 > 10.0.0.2:80";
  record.established(200 * kSecond, kNext, "9", "wget");
  CHECK_FALSE(top.look(query(api::kByFlow), record.until(4000 * kSecond, false)));
  record.packet(kOfCurl, {4999 * kSecond, 500}).packet(kNext, {4999 * kSecond, 100});
  const auto report = look(top, record, 5000 * kSecond, query(api::kByFlow));
  REQUIRE(report.rows.size() == 2);
  CHECK(report.rows[0].pid == 7);  // an hour that is read anew would not tell of them
  CHECK(report.rows[1].pid == 9);
}

TEST_CASE("top: the ring is opened once, and anew where a look failed") {
  Record record;
  fill(record);
  agent::Top top;
  int opened = 0;
  const auto look_at = [&](std::int64_t until_ns, bool wanted) {
    auto source = record.until(until_ns, wanted);
    source.open = [&opened, open = source.open] { return ++opened, open(); };
    return top.look(query(api::kByFlow), source);
  };
  REQUIRE(look_at(100 * kSecond, true));
  record.packet(kUnowned, {109 * kSecond, 700});
  const auto next = look_at(110 * kSecond, true);
  REQUIRE(next);
  CHECK(next->rows.at(0).bytes == 700);
  CHECK(opened == 1);
  CHECK_FALSE(look_at(120 * kSecond, false));
  REQUIRE(look_at(130 * kSecond, true));
  CHECK(opened == 2);
}

TEST_CASE("top: without the operating system's events nothing before the window is read") {
  Record record;
  fill(record);
  agent::Top top;
  auto source = record.until(100 * kSecond);
  source.os_enabled = false;
  const auto report = top.look(query(api::kByFlow), source);
  REQUIRE(report);
  CHECK(report->rows.at(0).bytes == 2900);
  CHECK(report->rows.at(0).pid == 0);
}

TEST_CASE("top: a clock that was set back does not hide what comes then") {
  Record record;
  fill(record);
  agent::Top top;
  look(top, record, 200 * kSecond);
  constexpr const char* kNext = "TCP 10.0.0.9:40001 > 10.0.0.2:80";
  record.established(100 * kSecond, kNext, "9", "wget").packet(kNext, {101 * kSecond, 500});
  CHECK(look(top, record, 102 * kSecond, query(api::kByFlow)).rows.at(0).pid == 9);
}

TEST_CASE("top: of nothing there are no rows") {
  const Record record;
  agent::Top top;
  const auto report = look(top, record, 0);
  CHECK(report.rows.empty());
  CHECK(report.total.packets == 0);
  CHECK(report.flows == 0);
  top.rest();
}
