// SPDX-License-Identifier: Apache-2.0
#include "export/recent_owners.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>

#include "export/flow_text.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "support/traffic_blocks.hpp"

using namespace caprock;
using namespace caprock::exporting;

namespace {

constexpr std::int64_t kUs = 1000;
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

TEST_CASE("recent owners: what nobody asks for is forgotten, what somebody asks for is not") {
  RecentOwners owners(0, 3);
  constexpr const char* kIdle = "TCP 10.0.0.1:4001 > 10.0.0.2:80";
  tell(owners, kUs, kFlow, "7");
  tell(owners, kUs, kIdle, "8");
  std::int64_t time_ns = 2 * kUs;
  for (int port = 1; port <= 30; ++port, time_ns += kUs) {
    tell(owners, time_ns, fmt::format("TCP 10.0.0.3:{} > 10.0.0.4:80", port).c_str(), "9");
    CHECK(pid_of(owners, kFlow) == 7);
  }
  CHECK(pid_of(owners, kIdle) == 0);
  CHECK(pid_of(owners, "TCP 10.0.0.3:30 > 10.0.0.4:80") == 9);
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
