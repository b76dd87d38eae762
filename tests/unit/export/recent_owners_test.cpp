// SPDX-License-Identifier: Apache-2.0
#include "export/recent_owners.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "export/flow_text.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "support/traffic_blocks.hpp"

using namespace caprock;
using namespace caprock::exporting;

namespace {

constexpr std::int64_t kUs = 1000;
constexpr std::int64_t kMinute = 60'000'000'000;
constexpr const char* kFlow = "TCP 10.0.0.1:4000 > 10.0.0.2:80";

void append_established(std::vector<std::byte>& out, std::int64_t time_ns, const char* flow,
                        const char* pid, const char* container = "") {
  test::append_event(out, time_ns, "established",
                     {{"_PID", pid},
                      {"_COMM", "curl"},
                      {"CAPROCK_LATENCY_NS", "0"},
                      {"CAPROCK_CONTAINER", container},
                      {"CAPROCK_FLOW", flow}});
}

void tell(RecentOwners& owners, std::int64_t time_ns, std::string_view event,
          std::vector<pcapng::JournalField> fields) {
  std::vector<std::byte> blocks;
  test::append_event(blocks, time_ns, event, std::move(fields));
  owners.take(*pcapng::BlockCursor(blocks).next());
}

void tell(RecentOwners& owners, std::int64_t time_ns, const char* flow, const char* pid,
          const char* container = "") {
  std::vector<std::byte> blocks;
  append_established(blocks, time_ns, flow, pid, container);
  owners.take(*pcapng::BlockCursor(blocks).next());
}

std::uint32_t pid_of(RecentOwners& owners, const char* flow, std::int64_t time_ns = INT64_MAX) {
  const auto* const owner = owners.of(parse_flow(flow).value(), time_ns);
  return owner == nullptr ? 0 : owner->pid;
}

bool always() {
  return true;
}

}  // namespace

TEST_CASE("recent owners: what is told is known, with the container of the process") {
  RecentOwners owners(0);
  tell(owners, 10 * kUs, kFlow, "7", "c0ffee");
  CHECK(pid_of(owners, kFlow) == 7);
  CHECK(owners.container_of(7) == "c0ffee");
  CHECK(owners.container_of(8).empty());
  CHECK(owners.pod_of(7).empty());
  tell(owners, 11 * kUs, "exec",
       {{"_PID", "8"}, {"CAPROCK_NAMESPACE", "shop"}, {"CAPROCK_POD", "frontend-7c9"}});
  CHECK(owners.pod_of(8) == "shop/frontend-7c9");
}

TEST_CASE("recent owners: a number that another process has is in the container no more") {
  RecentOwners owners(0);
  tell(owners, 10 * kUs, kFlow, "7", "c0ffee");
  std::vector<std::byte> blocks;
  test::append_event(blocks, 20 * kUs, "exec", {{"_PID", "7"}});
  owners.take(*pcapng::BlockCursor(blocks).next());
  CHECK(owners.container_of(7).empty());
}

TEST_CASE("recent owners: an event that was told already is passed over") {
  RecentOwners owners(20 * kUs);
  tell(owners, 10 * kUs, kFlow, "7");
  CHECK(pid_of(owners, kFlow) == 0);
  tell(owners, 20 * kUs, kFlow, "8");
  CHECK(pid_of(owners, kFlow) == 8);
}

TEST_CASE("recent owners: those of sockets that are there are kept, whatever comes and goes") {
  const test::TemporaryFile nothing(test::ring_of({test::SegmentBuilder(1, 0, {{"eth0", ""}})}));
  const auto view = store::RingView::open(nothing.path());
  REQUIRE(view);
  RecentOwners owners(0, 20);
  tell(owners, kUs, "addresses",
       {{"CAPROCK_NETNS", "1"}, {"CAPROCK_OWN_NETNS", "1"}, {"CAPROCK_ADDRESSES", "10.0.0.1"}});
  tell(owners, kUs, "bind",
       {{"_PID", "6"}, {"CAPROCK_NETNS", "1"}, {"CAPROCK_FLOW", "UDP 0.0.0.0:53 > 0.0.0.0:0"}});
  tell(owners, kUs, kFlow, "7", "c0ffee");
  std::int64_t time_ns = 2 * kUs;
  for (int port = 1; port <= 30; ++port, time_ns += kMinute) {
    const std::string other = fmt::format("TCP 10.0.0.3:{} > 10.0.0.4:80", port);
    tell(owners, time_ns, other.c_str(), "9");
    tell(owners, time_ns, "closed", {{"_PID", "9"}, {"CAPROCK_FLOW", other}});
    CHECK(pid_of(owners, other.c_str()) == 9);
    REQUIRE(owners.catch_up(*view, time_ns, always));
  }
  CHECK(pid_of(owners, kFlow) == 7);
  CHECK(owners.container_of(7) == "c0ffee");
  CHECK(pid_of(owners, "UDP 10.0.0.1:53 > 10.0.0.9:999", time_ns) == 6);
  CHECK(pid_of(owners, "UDP 127.0.0.1:53 > 127.0.0.1:999", time_ns) == 6);
  CHECK(pid_of(owners, "TCP 10.0.0.3:1 > 10.0.0.4:80") == 0);
}

TEST_CASE("recent owners: many short connections do not drive out those that stay") {
  RecentOwners owners(0, 20);
  tell(owners, kUs, kFlow, "7", "c0ffee");
  for (int port = 1; port <= 100; ++port) {
    const std::string other = fmt::format("TCP 10.0.0.3:{} > 10.0.0.4:80", port);
    tell(owners, 2 * port * kUs, other.c_str(), "9");
    tell(owners, 2 * port * kUs + kUs, "closed", {{"_PID", "9"}, {"CAPROCK_FLOW", other}});
  }
  CHECK(pid_of(owners, kFlow) == 7);
  CHECK(owners.container_of(7) == "c0ffee");
  CHECK(pid_of(owners, "TCP 10.0.0.3:100 > 10.0.0.4:80") == 9);
}

TEST_CASE("recent owners: where too many are there at once they begin anew") {
  RecentOwners owners(0, 10);
  for (int port = 1; port <= 12; ++port)
    tell(owners, port * kUs, fmt::format("TCP 10.0.0.3:{} > 10.0.0.4:80", port).c_str(), "9");
  CHECK(pid_of(owners, "TCP 10.0.0.3:1 > 10.0.0.4:80") == 0);
  CHECK(pid_of(owners, "TCP 10.0.0.3:12 > 10.0.0.4:80") == 9);
  for (int pid = 1; pid <= 12; ++pid)
    tell(owners, 20 * kUs, "exec",
         {{"_PID", std::to_string(pid)}, {"CAPROCK_CONTAINER", "c0ffee"}});
  CHECK(owners.container_of(1).empty());
  CHECK(owners.container_of(12) == "c0ffee");
}

TEST_CASE("recent owners: the container of a process is known as long as its last packets come") {
  const test::TemporaryFile nothing(test::ring_of({test::SegmentBuilder(1, 0, {{"eth0", ""}})}));
  const auto view = store::RingView::open(nothing.path());
  REQUIRE(view);
  RecentOwners owners(0);
  tell(owners, kUs, kFlow, "7", "c0ffee");
  tell(owners, 2 * kUs, "exit", {{"_PID", "7"}});
  REQUIRE(owners.catch_up(*view, kMinute, always));
  CHECK(owners.container_of(7) == "c0ffee");
  REQUIRE(owners.catch_up(*view, 10 * kMinute, always));
  CHECK(owners.container_of(7).empty());
}

TEST_CASE("recent owners: they catch up with a record, each event once") {
  std::vector<std::byte> blocks;
  append_established(blocks, 10 * kUs, "TCP 10.0.0.1:1 > 10.0.0.2:80", "1");
  append_established(blocks, 20 * kUs, "TCP 10.0.0.1:2 > 10.0.0.2:80", "2");
  append_established(blocks, 30 * kUs, "TCP 10.0.0.1:3 > 10.0.0.2:80", "3");
  test::SegmentBuilder segment(1, 0, {{"eth0", ""}});
  segment.raw_run({SourceKind::kEvents, 0, 1}, blocks, 10 * kUs);
  const test::TemporaryFile file(test::ring_of({segment}));
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  RecentOwners owners(15 * kUs);
  REQUIRE(owners.catch_up(*view, 30 * kUs, always));
  CHECK(owners.told_until_ns() == 30 * kUs);
  CHECK(pid_of(owners, "TCP 10.0.0.1:1 > 10.0.0.2:80") == 0);
  CHECK(pid_of(owners, "TCP 10.0.0.1:2 > 10.0.0.2:80") == 2);
  CHECK(pid_of(owners, "TCP 10.0.0.1:3 > 10.0.0.2:80") == 0);
  REQUIRE(owners.catch_up(*view, 31 * kUs, always));
  CHECK(pid_of(owners, "TCP 10.0.0.1:3 > 10.0.0.2:80") == 3);
  CHECK_FALSE(RecentOwners(0).catch_up(*view, 40 * kUs, [] { return false; }));
}
