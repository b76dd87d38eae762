// SPDX-License-Identifier: Apache-2.0
#include "agent/interface_table.hpp"

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "abi/limits.h"

using caprock::InterfaceList;
using caprock::agent::InterfaceTable;

namespace {

void fill(InterfaceTable& table) {
  for (int i = 0; i < CAPROCK_MAX_INTERFACES; ++i)
    REQUIRE(table.acquire({.name = std::to_string(i), .description = ""}));
}

}  // namespace

TEST_CASE("interface table: ids are dense and in order of appearance") {
  InterfaceTable table;
  CHECK(table.acquire({.name = "lo", .description = ""}) == 0u);
  CHECK(table.acquire({.name = "eth0", .description = ""}) == 1u);
  REQUIRE(table.list()->size() == 2);
  CHECK(table.list()->at(1).name == "eth0");
}

TEST_CASE("interface table: an id keeps its meaning after its interface is gone") {
  InterfaceTable table;
  table.acquire({.name = "veth1", .description = ""});
  table.release(0, 1);
  CHECK(table.acquire({.name = "veth2", .description = ""}) == 1u);
  CHECK(table.list()->at(0).name == "veth1");
}

TEST_CASE("interface table: an interface that comes back gets its id back") {
  InterfaceTable table;
  table.acquire({.name = "eth0", .description = "02:00:00:00:00:01"});
  table.acquire({.name = "eth1", .description = ""});
  table.release(0, 1);
  CHECK(table.acquire({.name = "eth0", .description = "02:00:00:00:00:01"}) == 0u);
}

TEST_CASE("interface table: the ids that an agent before gave keep their meaning") {
  InterfaceTable table({{"lo", "loopback"}, {"", ""}, {"eth0", "uplink"}}, 0);
  CHECK(table.acquire({.name = "eth0", .description = "uplink"}) == 2u);
  CHECK(table.acquire({.name = "eth1", .description = ""}) == 3u);
  CHECK(table.acquire({.name = "lo", .description = "loopback"}) == 0u);
  CHECK(table.list()->at(2).name == "eth0");
}

TEST_CASE("interface table: an id that is held is not given to a namesake") {
  InterfaceTable table;
  CHECK(table.acquire({.name = "eth0", .description = ""}) == 0u);
  CHECK(table.acquire({.name = "eth0", .description = ""}) == 1u);
}

TEST_CASE("interface table: a released id is given away again after its quarantine, not before") {
  InterfaceTable table;
  fill(table);
  CHECK_FALSE(table.acquire({.name = "new", .description = ""}));
  table.release(7, 100);
  table.release(5, 200);
  CHECK(table.vacate(99 + InterfaceTable::kQuarantineNs).empty());
  CHECK_FALSE(table.acquire({.name = "new", .description = ""}));
  CHECK(table.vacate(100 + InterfaceTable::kQuarantineNs) == std::vector<std::uint32_t>{7});
  CHECK(table.list()->at(7).is_blank());
  CHECK(table.list()->at(5).name == "5");
  CHECK(table.acquire({.name = "new", .description = ""}) == 7u);
  CHECK(table.list()->at(7).name == "new");
  CHECK_FALSE(table.acquire({.name = "newer", .description = ""}));
  CHECK(table.list()->size() == CAPROCK_MAX_INTERFACES);
}

TEST_CASE("interface table: ids that an agent before vacated are vacant") {
  InterfaceList known(CAPROCK_MAX_INTERFACES, {"veth", "gone"});
  known[9] = {};
  InterfaceTable table(known, 0);
  CHECK(table.acquire({.name = "new", .description = ""}) == 9u);
  CHECK_FALSE(table.acquire({.name = "newer", .description = ""}));
}

TEST_CASE("interface table: names go seldom, however many interfaces come and go") {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr int kPods = 20'000;
  InterfaceTable table;
  int vacated = 0;
  for (std::int64_t second = 0; second < kPods; ++second) {  // a pod a second, two ids each
    const std::string name = std::to_string(second);
    for (const std::string description : {"", "pod"}) {
      auto id = table.acquire({.name = name, .description = description});
      if (!id && !table.vacate(second * kSecond).empty()) {
        ++vacated;
        id = table.acquire({.name = name, .description = description});
      }
      REQUIRE(id);
      table.release(*id, second * kSecond);
    }
  }
  CHECK(vacated < 12);  // of 40 000 ids at least 3 900 at a time
}
