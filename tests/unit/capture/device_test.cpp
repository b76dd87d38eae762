// SPDX-License-Identifier: Apache-2.0
#include "capture/device.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock::capture;
using Kind = DeviceChange::Kind;

namespace {

Device device(std::uint32_t ifindex, std::string name, bool up = true) {
  Device device;
  device.ifindex = ifindex;
  device.name = std::move(name);
  device.up = up;
  return device;
}

}  // namespace

TEST_CASE("device: the difference of two states names what came, changed and went") {
  const DeviceMap before = {{1, device(1, "lo")}, {2, device(2, "eth0")}, {3, device(3, "eth1")}};
  const DeviceMap after = {
      {1, device(1, "lo")}, {3, device(3, "eth1", false)}, {4, device(4, "eth2")}};
  const auto changes = difference(before, after);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].kind == Kind::kVanished);
  CHECK(changes[0].before.name == "eth0");
  CHECK(changes[1].kind == Kind::kChanged);
  CHECK(changes[1].after.ifindex == 3);
  CHECK(changes[2].kind == Kind::kAppeared);
  CHECK(changes[2].after.name == "eth2");
}

TEST_CASE("device: a change is described in the operator's words") {
  CHECK(describe({Kind::kAppeared, {}, device(2, "eth0")}) == "eth0: appeared, up");
  CHECK(describe({Kind::kVanished, device(2, "eth0"), {}}) == "eth0: gone");
  CHECK(describe({Kind::kChanged, device(2, "eth0"), device(2, "wan", false)}) ==
        "wan: renamed from eth0, down");
}
