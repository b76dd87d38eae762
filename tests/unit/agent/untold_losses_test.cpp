// SPDX-License-Identifier: Apache-2.0
#include "agent/untold_losses.hpp"

#include <catch2/catch_test_macros.hpp>

#include "store/loss_entry.hpp"
#include "support/fake_counters.hpp"

namespace caprock::agent {
namespace {

const InterfaceList kInterfaces{{"eth0", ""}, {"eth1", ""}};

void lose(capture_counters& count, std::uint64_t packets, std::uint64_t told) {
  count.lost = packets;
  count.lost_reported = told;
}

TEST_CASE("untold losses: of an interface and direction, what no packet has told, over all CPUs") {
  test::FakeCounters fake;
  lose(fake.of(0, 1, CAPROCK_EGRESS), 40, 5);
  lose(fake.of(1, 1, CAPROCK_EGRESS), 2, 0);
  const auto entries = untold_losses(fake.counters(), kInterfaces, 1000);
  const auto block = pcapng::BlockCursor(entries).next();
  REQUIRE(block);
  CHECK(block->bytes.size() == entries.size());
  CHECK(store::lost_by_entry(*block) == 37);
  CHECK(pcapng::journal_field(*block, "MESSAGE") == "37 packets lost that eth1 sent");
}

TEST_CASE("untold losses: none where packets have told all") {
  test::FakeCounters fake;
  lose(fake.of(0, 0, CAPROCK_INGRESS), 40, 40);
  CHECK(untold_losses(fake.counters(), kInterfaces, 1000).empty());
}

}  // namespace
}  // namespace caprock::agent
