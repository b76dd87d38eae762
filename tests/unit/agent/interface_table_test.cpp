// SPDX-License-Identifier: Apache-2.0
#include "agent/interface_table.hpp"

#include <catch2/catch_test_macros.hpp>

#include "abi/limits.h"

using caprock::agent::InterfaceTable;

namespace {

void fill(InterfaceTable& table) {
  for (int i = 0; i < CAPROCK_MAX_INTERFACES; ++i)
    REQUIRE(table.acquire({.name = std::to_string(i), .description = ""}, 0));
}

}  // namespace

TEST_CASE("interface table: ids are dense and in order of appearance") {
  InterfaceTable table;
  CHECK(table.acquire({.name = "lo", .description = ""}, 0) == 0u);
  CHECK(table.acquire({.name = "eth0", .description = ""}, 0) == 1u);
  REQUIRE(table.list()->size() == 2);
  CHECK(table.list()->at(1).name == "eth0");
}

TEST_CASE("interface table: an id keeps its meaning after its interface is gone") {
  InterfaceTable table;
  table.acquire({.name = "veth1", .description = ""}, 0);
  table.release(0, 1);
  CHECK(table.acquire({.name = "veth2", .description = ""}, 2) == 1u);
  CHECK(table.list()->at(0).name == "veth1");
}

TEST_CASE("interface table: an interface that comes back gets its id back") {
  InterfaceTable table;
  table.acquire({.name = "eth0", .description = "02:00:00:00:00:01"}, 0);
  table.acquire({.name = "eth1", .description = ""}, 0);
  table.release(0, 1);
  CHECK(table.acquire({.name = "eth0", .description = "02:00:00:00:00:01"}, 2) == 0u);
}

TEST_CASE("interface table: the ids that an agent before gave keep their meaning") {
  InterfaceTable table({{"lo", "loopback"}, {"", ""}, {"eth0", "uplink"}}, 0);
  CHECK(table.acquire({.name = "eth0", .description = "uplink"}, 1) == 2u);
  CHECK(table.acquire({.name = "eth1", .description = ""}, 1) == 3u);
  CHECK(table.acquire({.name = "lo", .description = "loopback"}, 1) == 0u);
  CHECK(table.list()->at(2).name == "eth0");
}

TEST_CASE("interface table: an id that is held is not given to a namesake") {
  InterfaceTable table;
  CHECK(table.acquire({.name = "eth0", .description = ""}, 0) == 0u);
  CHECK(table.acquire({.name = "eth0", .description = ""}, 0) == 1u);
}

TEST_CASE(
    "interface table: when all ids are used up, the one released longest ago is given again after "
    "its quarantine") {
  InterfaceTable table;
  fill(table);
  CHECK_FALSE(table.acquire({.name = "new", .description = ""}, 0));
  table.release(7, 100);
  table.release(5, 200);
  CHECK_FALSE(
      table.acquire({.name = "new", .description = ""}, 99 + InterfaceTable::kQuarantineNs));
  CHECK(table.acquire({.name = "new", .description = ""}, 300 + InterfaceTable::kQuarantineNs) ==
        7u);
  CHECK(table.list()->at(7).name == "new");
  CHECK(table.list()->size() == CAPROCK_MAX_INTERFACES);
}
