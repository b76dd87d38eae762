// SPDX-License-Identifier: Apache-2.0
#include "agent/ring_base.hpp"

#include <catch2/catch_test_macros.hpp>

namespace caprock::agent {
namespace {

constexpr std::uint64_t kRing = 7;

store::RecoveryReport ring_of(std::vector<std::uint64_t> lane_packets) {
  store::RecoveryReport ring;
  ring.ring_id = kRing;
  ring.lane_packets = std::move(lane_packets);
  return ring;
}

std::optional<std::uint64_t> packets_over(const store::RecoveryReport& first,
                                          const store::RecoveryReport& next) {
  return packets_since(base_gone_on_with(new_base(first), next), next, 5);
}

TEST_CASE("ring base: packets are counted from where the maps were made, over all agents") {
  CHECK(packets_since(new_base(ring_of({100})), ring_of({100}), 5) == 5);
  CHECK(packets_over(ring_of({0}), ring_of({0})) == 5);
  CHECK(packets_over(ring_of({100}), ring_of({140})) == 45);
  CHECK(packets_over(ring_of({100, 10}), ring_of({140, 11})) == 46);
  CHECK(packets_over(ring_of({100}), ring_of({140, 1})) == 46);
}

TEST_CASE("ring base: it cannot be told any more where a lane's count is gone") {
  CHECK(packets_over(ring_of({100, 10}), ring_of({140, 0})) == std::nullopt);
  CHECK(packets_over(ring_of({100}), ring_of({40})) == std::nullopt);  // the newest are damaged
  CHECK(packets_over(ring_of({100, 10}), ring_of({140})) == std::nullopt);
  auto smaller = ring_of({140});
  smaller.dropped = 1;
  CHECK(packets_over(ring_of({100}), smaller) == std::nullopt);
}

TEST_CASE("ring base: nothing is told of another ring, nor where an agent left no base") {
  auto other = ring_of({140});
  other.ring_id = kRing + 1;
  CHECK(packets_over(ring_of({100}), other) == std::nullopt);
  CHECK(packets_since(base_gone_on_with({}, ring_of({1})), ring_of({1}), 5) == std::nullopt);
}

}  // namespace
}  // namespace caprock::agent
