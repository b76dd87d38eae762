// SPDX-License-Identifier: Apache-2.0
#include "export/traffic.hpp"

#include <catch2/catch_test_macros.hpp>

#include "export/flow_text.hpp"

using namespace caprock::exporting;

namespace {

constexpr std::uint32_t kEth0 = 3;
constexpr std::uint32_t kVeth = 7;

Flow flow(const char* text = "TCP 10.0.0.1:4000 > 10.0.0.2:80") {
  return parse_flow(text).value();
}

}  // namespace

TEST_CASE("traffic: both directions of a flow are one row, with what each sent") {
  Traffic traffic;
  traffic.count(flow(), {.interface = kEth0, .time_ns = 10, .bytes = 100, .outbound = true});
  traffic.count(flow(), {.interface = kEth0, .time_ns = 30, .bytes = 50, .outbound = true});
  traffic.count(flow().reversed(), {.interface = kEth0, .time_ns = 20, .bytes = 7});
  const auto flows = traffic.flows();
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].flow == flow());
  CHECK(flows[0].forward.packets == 2);
  CHECK(flows[0].forward.bytes == 150);
  CHECK(flows[0].backward.packets == 1);
  CHECK(flows[0].backward.bytes == 7);
  CHECK(flows[0].host_end == HostEnd::kSource);
  CHECK(flows[0].last_ns == 30);
}

TEST_CASE("traffic: TCP and UDP of the same ports are two flows") {
  Traffic traffic;
  traffic.count(flow(), {.bytes = 1});
  traffic.count(flow("UDP 10.0.0.1:4000 > 10.0.0.2:80"), {.bytes = 1});
  CHECK(traffic.flows().size() == 2);
}

TEST_CASE("traffic: a packet that passes two interfaces counts once, where most was seen") {
  Traffic traffic;
  for (int i = 0; i < 10; ++i) {
    traffic.count(flow(), {.interface = kVeth, .bytes = 100});
    if (i != 0) traffic.count(flow(), {.interface = kEth0, .bytes = 100, .outbound = true});
  }
  const auto flows = traffic.flows();
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].forward.packets == 10);
  CHECK(flows[0].forward.bytes == 1000);
  CHECK(flows[0].interface == kVeth);
}

TEST_CASE("traffic: what comes in on one interface and goes out on another is whole") {
  Traffic traffic;
  traffic.count(flow(), {.interface = kVeth, .bytes = 100});
  traffic.count(flow().reversed(), {.interface = kEth0, .bytes = 5000, .outbound = true});
  const auto flows = traffic.flows();
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].forward.bytes == 100);
  CHECK(flows[0].backward.bytes == 5000);
  CHECK(flows[0].interface == kEth0);
  CHECK(flows[0].host_end == HostEnd::kDestination);
}

TEST_CASE("traffic: a packet that is routed back out of its interface counts once") {
  Traffic traffic;
  for (int i = 0; i < 10; ++i) {
    traffic.count(flow(), {.interface = kEth0, .bytes = 100});
    if (i != 0) traffic.count(flow(), {.interface = kEth0, .bytes = 100, .outbound = true});
    traffic.count(flow().reversed(), {.interface = kEth0, .bytes = 7});
    traffic.count(flow().reversed(), {.interface = kEth0, .bytes = 7, .outbound = true});
  }
  const auto flows = traffic.flows();
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].forward.packets == 10);
  CHECK(flows[0].forward.bytes == 1000);
  CHECK(flows[0].backward.packets == 10);
  CHECK(flows[0].backward.bytes == 70);
}

TEST_CASE("traffic: troubles belong to their flow, in whichever direction they are told") {
  Traffic traffic;
  traffic.count(flow(), 5, {.retransmissions = 2});
  traffic.count(flow().reversed(), 6, {.drops = 1, .resets = 1});
  const auto flows = traffic.flows();
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].trouble.retransmissions == 2);
  CHECK(flows[0].trouble.drops == 1);
  CHECK(flows[0].trouble.resets == 1);
  CHECK_FALSE(flows[0].interface);
  CHECK(flows[0].forward.packets == 0);
}

TEST_CASE("traffic: beyond the number of flows that it keeps there are sums") {
  Traffic traffic(1);
  const Flow late = flow("TCP 10.0.0.1:4001 > 10.0.0.2:80");
  traffic.count(flow(), {.bytes = 1});
  traffic.count(late, {.bytes = 100});
  traffic.count(late.reversed(), {.bytes = 200});
  traffic.count(late, 0, {.retransmissions = 3});
  traffic.count(flow(), {.bytes = 1});
  REQUIRE(traffic.flows().size() == 1);
  CHECK(traffic.flows()[0].forward.bytes == 2);
  CHECK(traffic.other().packets == 2);
  CHECK(traffic.other().bytes == 300);
  CHECK(traffic.other_trouble().retransmissions == 3);
}
