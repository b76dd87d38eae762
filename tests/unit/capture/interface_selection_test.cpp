// SPDX-License-Identifier: Apache-2.0
#include "capture/interface_selection.hpp"

#include <linux/if_arp.h>

#include <algorithm>
#include <optional>

#include <catch2/catch_test_macros.hpp>

using namespace caprock::capture;

namespace {

Device device(std::uint32_t ifindex, std::string name, std::string kind = {}) {
  Device device;
  device.ifindex = ifindex;
  device.name = std::move(name);
  device.kind = std::move(kind);
  device.up = true;
  device.arp_type = ARPHRD_ETHER;
  return device;
}

Device on(Device upper, std::uint32_t lower) {
  upper.lower = lower;
  return upper;
}

Device elsewhere(Device upper) {
  upper.lower_elsewhere = true;
  return upper;
}

Device of_type(Device device, std::uint16_t arp_type) {
  device.arp_type = arp_type;
  return device;
}

DeviceMap map_of(std::initializer_list<Device> devices) {
  DeviceMap map;
  for (const Device& device : devices)
    map.emplace(device.ifindex, device);
  return map;
}

std::vector<std::string> names(const InterfaceSelection& selection) {
  std::vector<std::string> names;
  for (const auto& selected : selection.selected)
    names.push_back(selected.device.name);
  return names;
}

std::string reason(const InterfaceSelection& selection, const std::string& name) {
  for (const auto& omitted : selection.omitted) {
    if (omitted.name == name) return omitted.reason;
  }
  return "selected";
}

using Names = std::vector<std::string>;
const Device kLoopback = of_type(device(1, "lo"), ARPHRD_LOOPBACK);

}  // namespace

TEST_CASE("interfaces: auto records loopback in one direction and hardware in both") {
  const auto selection = select_interfaces(map_of({kLoopback, device(2, "eth0")}), {});
  REQUIRE(names(selection) == Names{"lo", "eth0"});
  CHECK_FALSE(selection.selected[0].egress);
  CHECK(selection.selected[1].egress);
  CHECK(selection.selected[1].ingress == IngressHook::kTc);
  CHECK(selection.selected[1].link == LINK_ETHERNET);
}

TEST_CASE("interfaces: auto leaves out what is seen on another device, and says where") {
  const auto selection =
      select_interfaces(map_of({device(2, "eth0"), device(3, "bond0", "bond"),
                                device(4, "br0", "bridge"), on(device(5, "eth0.7", "vlan"), 2),
                                on(device(6, "mac0", "macvlan"), 2), device(7, "vx0", "vxlan"),
                                device(8, "ifb0", "ifb"), on(device(9, "new0", "some_upper"), 2)}),
                        {});
  CHECK(names(selection) == Names{"eth0"});
  CHECK(reason(selection, "bond0") == "bond: its packets are seen on its ports");
  CHECK(reason(selection, "br0") == "bridge: its packets are seen on its ports");
  CHECK(reason(selection, "eth0.7") == "vlan: its packets are seen on eth0");
  CHECK(reason(selection, "mac0") == "macvlan: its packets are seen on eth0");
  CHECK(reason(selection, "new0") == "some_upper: its packets are seen on eth0");
  CHECK(reason(selection, "vx0").find("tunnel") != std::string::npos);
  CHECK(reason(selection, "ifb0").find("redirects") != std::string::npos);
}

TEST_CASE(
    "interfaces: auto records what nobody else can see: tunnels over IP, encrypted ones, uppers of "
    "other namespaces") {
  const auto selection = select_interfaces(
      map_of({device(2, "eth0"), of_type(device(3, "wg0", "wireguard"), ARPHRD_NONE),
              of_type(device(4, "tun0", "tun"), ARPHRD_NONE),
              of_type(on(device(5, "gre1", "gre"), 2), ARPHRD_IPGRE),
              on(device(6, "macsec0", "macsec"), 2),
              elsewhere(on(device(7, "eth1", "macvlan"), 2))}),
      {});
  CHECK(names(selection) == Names{"eth0", "wg0", "tun0", "gre1", "macsec0", "eth1"});
  CHECK(selection.selected[1].link == LINK_IP);
  CHECK(selection.selected[3].link == LINK_IP);
  CHECK(selection.selected[4].link == LINK_ETHERNET);
}

TEST_CASE("interfaces: overlays are recorded on their own devices where that is asked for") {
  Device vxlan = on(device(7, "flannel.1", "vxlan"), 2);
  vxlan.tunnel_port = 8472;
  const DeviceMap devices = map_of({device(2, "eth0"), vxlan});
  InterfaceWishes wishes;
  CHECK(names(select_interfaces(devices, wishes)) == std::vector<std::string>{"eth0"});
  wishes.overlays = true;
  CHECK(names(select_interfaces(devices, wishes)) == std::vector<std::string>{"eth0", "flannel.1"});
}

TEST_CASE("interfaces: what is above recorded devices, that packets say they came by") {
  Device port = elsewhere(device(3, "veth0", "veth"));
  port.master = 4;
  Device other_port = elsewhere(device(8, "veth1", "veth"));
  other_port.master = 9;
  const DeviceMap devices = map_of(
      {device(2, "eth0"), port, device(4, "br0", "bridge"), on(device(5, "br0.7", "vlan"), 4),
       on(device(6, "tunl0", "ipip"), 2), on(device(7, "vx0", "vxlan"), 2), other_port,
       device(9, "br1", "bridge"), on(device(10, "eth0.7", "vlan"), 2)});
  CHECK(devices_above(devices, {2, 3}) == std::set<std::uint32_t>{4, 5, 10});
  CHECK(devices_above(devices, {3, 4}) == std::set<std::uint32_t>{5});
  CHECK(devices_above(devices, {}).empty());
}

TEST_CASE("interfaces: auto records host ends of veths, and one end of a pair within the host") {
  const auto selection =
      select_interfaces(map_of({elsewhere(on(device(2, "pod1", "veth"), 2)),
                                on(device(3, "a", "veth"), 4), on(device(4, "b", "veth"), 3)}),
                        {});
  CHECK(names(selection) == Names{"pod1", "a"});
  CHECK(reason(selection, "b") == "veth: its packets are seen on its peer a");
}

TEST_CASE("interfaces: the other end of a pair is recorded when the first one is excluded") {
  const auto selection =
      select_interfaces(map_of({on(device(3, "a", "veth"), 4), on(device(4, "b", "veth"), 3)}),
                        {.interfaces = {}, .excluded = {"a"}, .xdp = false});
  CHECK(names(selection) == Names{"b"});
}

TEST_CASE(
    "interfaces: a device that is down or carries neither Ethernet nor IP is left out, also when "
    "it is asked for") {
  Device down = device(2, "eth0");
  down.up = false;
  const auto devices = map_of({down, of_type(device(3, "can0", "can"), 280)});
  for (const auto& wanted : {std::vector<std::string>{}, std::vector<std::string>{"*"}}) {
    const auto selection =
        select_interfaces(devices, {.interfaces = wanted, .excluded = {}, .xdp = false});
    CHECK(selection.selected.empty());
    CHECK(reason(selection, "eth0") == "down");
    CHECK(reason(selection, "can0") == "carries neither Ethernet nor IP (ARP type 280)");
  }
}

TEST_CASE(
    "interfaces: a list takes names, globs and alternative names, whatever the device is, and "
    "exclusion wins") {
  Device named = device(5, "eno1");
  named.alternative_names = {"enp3s0"};
  const auto devices =
      map_of({kLoopback, device(2, "br0", "bridge"), device(3, "eth0"), device(4, "eth1"), named});
  const auto selection = select_interfaces(
      devices,
      {.interfaces = {"br0", "eth*", "enp3s0", "wlan*"}, .excluded = {"eth1"}, .xdp = false});
  CHECK(names(selection) == Names{"br0", "eth0", "eno1"});
  CHECK(reason(selection, "eth1") == "excluded by the configuration");
  CHECK(reason(selection, "lo") == "not in the list of interfaces");
  CHECK(selection.unmatched == Names{"agent.interfaces: no device is called wlan*"});
}

TEST_CASE("interfaces: XDP goes onto NICs and taps, never onto veths and loopback") {
  const auto selection =
      select_interfaces(map_of({kLoopback, device(2, "eth0"), device(3, "tap0", "tun"),
                                elsewhere(on(device(4, "pod1", "veth"), 2)),
                                of_type(device(5, "tun0", "tun"), ARPHRD_NONE)}),
                        {.interfaces = {}, .excluded = {}, .xdp = true});
  Names with_xdp;
  for (const auto& selected : selection.selected) {
    if (selected.ingress == IngressHook::kXdp) with_xdp.push_back(selected.device.name);
  }
  CHECK(with_xdp == Names{"eth0", "tap0"});
}

TEST_CASE(
    "interfaces: mirror ports are taken beside the others, consumed, and without their egress") {
  const auto selection =
      select_interfaces(map_of({kLoopback, device(2, "eth0"), device(3, "span0", "veth")}),
                        {.interfaces = {"eth0"}, .excluded = {}, .mirrors = {"span*", "tap9"}});
  REQUIRE(names(selection) == Names{"eth0", "span0"});
  CHECK(selection.selected[0].ingress == IngressHook::kTc);
  CHECK(selection.selected[1].ingress == IngressHook::kMirror);
  CHECK_FALSE(selection.selected[1].egress);
  CHECK(selection.selected[1].refusal.empty());
  CHECK(selection.unmatched == Names{"agent.mirrorInterfaces: no device is called tap9"});
}

TEST_CASE(
    "interfaces: a mirror port over which the host is reached is not consumed, unless forced") {
  Device in_bridge = device(4, "eth2");
  in_bridge.master = 9;
  const auto devices =
      map_of({device(2, "eth0"), device(3, "eth1"), in_bridge, on(device(5, "eth1.10", "vlan"), 3),
              device(9, "br0", "bridge"), of_type(device(10, "tun0", "tun"), ARPHRD_NONE)});
  InterfaceWishes wishes{.interfaces = {}, .excluded = {}, .mirrors = {"eth?", "tun0"}};
  const HostAddresses addresses{{2, "192.0.2.1"}, {5, "192.0.2.2"}};
  const auto refusals = [&] {
    Names found;
    for (const auto& selected : select_interfaces(devices, wishes, addresses).selected) {
      CHECK((selected.ingress == IngressHook::kMirror) ==
            (selected.mirror && selected.refusal.empty()));
      if (!selected.refusal.empty()) found.push_back(selected.refusal);
    }
    return found;
  };
  const std::string not_taken = ": not taken as a mirror port, but recorded like any other: ";
  const std::string force = "or set agent.mirrorForce: true";
  CHECK(refusals() ==
        Names{"eth0" + not_taken +
                  "this host would no longer be reached there as 192.0.2.1; "
                  "remove the address, " +
                  force,
              "eth1" + not_taken +
                  "this host would no longer be reached there as 192.0.2.2; "
                  "remove the address, " +
                  force,
              "eth2" + not_taken +
                  "br0 would no longer receive through it; take it out of there, " + force,
              "tun0" + not_taken + "only Ethernet ports can be"});
  wishes.mirror_force = true;
  CHECK(refusals() == Names{"tun0" + not_taken + "only Ethernet ports can be"});
}

TEST_CASE("interfaces: the host is reached over a mirror port by whatever is on top of it") {
  const auto in = [](Device port, std::uint32_t master) {
    port.master = master;
    return port;
  };
  const auto devices = map_of(
      {device(2, "eth0"), on(device(3, "eth0.5", "vlan"), 2), on(device(4, "eth0.5.7", "vlan"), 3),
       device(5, "eth1"), in(on(device(6, "eth1.5", "vlan"), 5), 7), device(7, "br0", "bridge"),
       on(device(8, "br0.9", "vlan"), 7), device(9, "eth2"), on(device(10, "va", "veth"), 9)});
  const auto refusal = [&](const std::string& port, const HostAddresses& addresses) {
    const auto selection = select_interfaces(
        devices, {.interfaces = {"eth0"}, .excluded = {}, .mirrors = {port}}, addresses);
    for (const auto& selected : selection.selected)
      if (selected.mirror) return selected.refusal;
    return std::string("not selected");
  };
  CHECK(refusal("eth0", {}).empty());
  CHECK(refusal("eth0", {{4, "192.0.2.1"}}).find("reached there as 192.0.2.1") !=
        std::string::npos);
  CHECK(refusal("eth1", {{7, "192.0.2.2"}}).find("reached there as 192.0.2.2") !=
        std::string::npos);
  CHECK(refusal("eth1", {{8, "192.0.2.3"}}).find("reached there as 192.0.2.3") !=
        std::string::npos);
  CHECK(refusal("eth1", {}).find("br0 would no longer receive") != std::string::npos);
  CHECK(refusal("eth0", {{7, "192.0.2.2"}}).empty());
  CHECK(refusal("eth2", {{10, "192.0.2.4"}}).empty());
}
