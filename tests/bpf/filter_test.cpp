// SPDX-License-Identifier: Apache-2.0
// Which of the packets the filter maps let through.
#include <netinet/in.h>

#include <functional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

constexpr std::uint32_t kBoth = SETTINGS_TCP | SETTINGS_UDP;
constexpr std::uint32_t kOnlyAddresses = kBoth | SETTINGS_ADDRESSES | SETTINGS_ONLY_ADDRESSES;
constexpr std::uint32_t kCidr4 = kOnlyAddresses | SETTINGS_CIDR4;
constexpr std::uint32_t kCidr6 = kOnlyAddresses | SETTINGS_CIDR6;
constexpr std::uint32_t kOnlyPorts = kBoth | SETTINGS_PORTS | SETTINGS_ONLY_PORTS;
constexpr std::uint32_t kExcluding = kBoth | SETTINGS_ADDRESSES | SETTINGS_PORTS;

struct Case {
  const char* description;
  bool recorded;
  ByteVector packet;
  std::function<void(Rig&)> set_up;
};

ByteVector tcp4(const char* from = "10.0.0.1", const char* to = "10.0.0.2",
                std::uint16_t from_port = 1000, std::uint16_t to_port = 80) {
  return packet().ethernet().ipv4(from, to).tcp(from_port, to_port);
}

ByteVector udp6(const char* from = "fd00::1", const char* to = "fd00::2") {
  return packet().ethernet().ipv6(from, to).udp();
}

ByteVector udp4(std::uint16_t to_port) {
  return packet().ethernet().ipv4().udp(50000, to_port);
}

void tunnel_port(Rig& rig, std::uint16_t port) {
  auto settings = rig.settings();
  settings.tunnel_ports[1] = port;
  rig.set_settings(settings);
}

void own_port(Rig& rig, std::uint16_t port) {
  auto settings = rig.settings();
  settings.flags |= SETTINGS_OWN_PORTS;
  settings.own_ports[3] = port;
  rig.set_settings(settings);
}

std::vector<Case> cases() {
  return {
      {"TCP is not wanted", false, tcp4(), [](Rig& rig) { rig.set_flags(SETTINGS_UDP); }},
      {"UDP is not wanted", false, udp6(), [](Rig& rig) { rig.set_flags(SETTINGS_TCP); }},
      {"the interface is off", false, tcp4(), [](Rig& rig) { rig.set_policy(INTERFACE_OFF); }},
      {"no filter", true, tcp4(), [](Rig&) {}},
      {"only addresses, none of them in a map", false, tcp4(),
       [](Rig& rig) { rig.set_flags(kOnlyAddresses); }},
      {"the source is included", true, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses);
         rig.add_address("10.0.0.1", ADDRESS_INCLUDED);
       }},
      {"the destination is included", true, udp6(),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses);
         rig.add_address("fd00::2", ADDRESS_INCLUDED);
       }},
      {"one end is included, the other excluded", false, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses);
         rig.add_address("10.0.0.1", ADDRESS_INCLUDED);
         rig.add_address("10.0.0.2", ADDRESS_EXCLUDED);
       }},
      {"an address is excluded, all others wanted", false, udp6(),
       [](Rig& rig) {
         rig.set_flags(kExcluding);
         rig.add_address("fd00::1", ADDRESS_EXCLUDED);
       }},
      {"another address is excluded", true, udp6(),
       [](Rig& rig) {
         rig.set_flags(kExcluding);
         rig.add_address("fd00::3", ADDRESS_EXCLUDED);
       }},
      {"an IPv4 prefix is included", true, tcp4("1.1.1.1", "10.9.8.7"),
       [](Rig& rig) {
         rig.set_flags(kCidr4);
         rig.add_cidr("10.8.0.0", 15, ADDRESS_INCLUDED);
       }},
      {"the longest IPv4 prefix decides", false, tcp4("1.1.1.1", "10.9.8.7"),
       [](Rig& rig) {
         rig.set_flags(kCidr4);
         rig.add_cidr("10.0.0.0", 8, ADDRESS_INCLUDED);
         rig.add_cidr("10.9.8.0", 24, ADDRESS_EXCLUDED);
       }},
      {"an exact address decides before its prefix", true, tcp4("1.1.1.1", "10.9.8.7"),
       [](Rig& rig) {
         rig.set_flags(kCidr4);
         rig.add_cidr("10.9.8.0", 24, ADDRESS_EXCLUDED);
         rig.add_address("10.9.8.7", ADDRESS_INCLUDED);
       }},
      {"prefixes without their flag are not looked up", false, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses);
         rig.add_cidr("10.0.0.0", 8, ADDRESS_INCLUDED);
       }},
      {"an IPv6 prefix is included", true, udp6("2001:db8:1::5", "2001:db8:2::5"),
       [](Rig& rig) {
         rig.set_flags(kCidr6);
         rig.add_cidr("2001:db8:1::", 48, ADDRESS_INCLUDED);
       }},
      {"only ports, none of them in the map", false, tcp4(),
       [](Rig& rig) { rig.set_flags(kOnlyPorts); }},
      {"the destination port is included", true, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kOnlyPorts);
         rig.add_port(80, PORT_INCLUDED);
       }},
      {"the source port is included", true, tcp4("10.0.0.1", "10.0.0.2", 443, 5000),
       [](Rig& rig) {
         rig.set_flags(kOnlyPorts);
         rig.add_port(443, PORT_INCLUDED);
       }},
      {"a port is excluded", false, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kExcluding);
         rig.add_port(80, PORT_EXCLUDED);
       }},
      {"one port is included, the other excluded", false, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kOnlyPorts);
         rig.add_port(80, PORT_INCLUDED);
         rig.add_port(1000, PORT_EXCLUDED);
       }},
      {"address and port must both match", false, tcp4(),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses | kOnlyPorts);
         rig.add_address("10.0.0.1", ADDRESS_INCLUDED);
         rig.add_port(81, PORT_INCLUDED);
       }},
      {"a fragment without ports matches by its address", true,
       packet().ethernet().ipv4().fragmented(8, false).protocol(IPPROTO_TCP).payload(64),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses | kOnlyPorts);
         rig.add_address("10.0.0.2", ADDRESS_INCLUDED);
         rig.add_port(80, PORT_INCLUDED);
       }},
      {"an ICMP error matches by the flow that it quotes", true,
       packet()
           .ethernet()
           .ipv4("192.0.2.1", "10.0.0.1")
           .icmp(3)
           .payload(packet().ipv4("10.0.0.1", "10.0.0.2").udp(1000, 53).bytes()),
       [](Rig& rig) {
         rig.set_flags(kOnlyAddresses | kOnlyPorts);
         rig.add_address("10.0.0.2", ADDRESS_INCLUDED);
         rig.add_port(53, PORT_INCLUDED);
       }},
      {"an ICMP error about an unwanted protocol", false,
       packet().ethernet().ipv4().icmp(3).payload(packet().ipv4().udp().bytes()),
       [](Rig& rig) { rig.set_flags(SETTINGS_TCP); }},
      {"our own connection, even where everything is recorded", false,
       tcp4("10.0.0.1", "10.0.0.2", 1000, 8897),
       [](Rig& rig) {
         own_port(rig, 8897);
         rig.set_policy(INTERFACE_ALL);
         rig.add_own_endpoint("10.0.0.2", 8897);
       }},
      {"our own answer over IPv6", false,
       packet().ethernet().ipv6("fd00::1", "fd00::2").tcp(8897, 1000),
       [](Rig& rig) {
         own_port(rig, 8897);
         rig.add_own_endpoint("fd00::1", 8897);
       }},
      {"our port on another host", true, tcp4("10.0.0.1", "10.0.0.3", 1000, 8897),
       [](Rig& rig) {
         own_port(rig, 8897);
         rig.add_own_endpoint("10.0.0.2", 8897);
       }},
      {"targets alone, and none of the addresses is one", false, tcp4(),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_TARGETS);
         rig.set_flags(kBoth | SETTINGS_ADDRESSES);
         rig.add_address("10.0.0.1", ADDRESS_INCLUDED);
       }},
      {"targets alone, where no address map has entries", false, tcp4(),
       [](Rig& rig) { rig.set_policy(INTERFACE_TARGETS); }},
      {"the destination is a target", true, udp6(),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_TARGETS);
         rig.set_flags(kBoth | SETTINGS_ADDRESSES);
         rig.add_address("fd00::2", ADDRESS_TARGET);
       }},
      {"a target has to match as others have", false, tcp4(),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_TARGETS);
         rig.set_flags(kOnlyAddresses);
         rig.add_address("10.0.0.1", ADDRESS_TARGET);
       }},
      {"a target that is included", true, tcp4(),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_TARGETS);
         rig.set_flags(kOnlyAddresses);
         rig.add_address("10.0.0.1", ADDRESS_TARGET | ADDRESS_INCLUDED);
       }},
      {"an overlay's packet on a shared link", false, udp4(4789),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_ALL, LINK_ETHERNET, ROLE_INTERFACE | ROLE_SHARED);
         tunnel_port(rig, 4789);
       }},
      {"an overlay's packet elsewhere", true, udp4(4789), [](Rig& rig) { tunnel_port(rig, 4789); }},
      {"another packet of UDP on a shared link", true, udp4(4788),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_ALL, LINK_ETHERNET, ROLE_INTERFACE | ROLE_SHARED);
         tunnel_port(rig, 4789);
       }},
      {"TCP to the overlay's port on a shared link", true, tcp4("10.0.0.1", "10.0.0.2", 1000, 4789),
       [](Rig& rig) {
         rig.set_policy(INTERFACE_ALL, LINK_ETHERNET, ROLE_INTERFACE | ROLE_SHARED);
         tunnel_port(rig, 4789);
       }},
      {"our port, but UDP", true, packet().ethernet().ipv4().udp(1000, 8897),
       [](Rig& rig) {
         own_port(rig, 8897);
         rig.add_own_endpoint("10.0.0.2", 8897);
       }},
  };
}

}  // namespace

TEST_CASE("filter: packets are recorded or counted as filtered") {
  const Transport transport = GENERATE(Transport::kStage, Transport::kRingBuffer);
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kTcEgress, Hook::kXdp, Hook::kMirror);
  for (const Case& each : cases()) {
    INFO(each.description << ", " << hook);
    Rig& rig = Rig::fresh(transport);
    rig.set_policy(INTERFACE_MATCH);
    each.set_up(rig);
    rig.run(hook, each.packet);
    CHECK(rig.take_blocks().size() == (each.recorded ? 1 : 0));
    CHECK(rig.counted(hook).written == (each.recorded ? 1 : 0));
    CHECK(rig.counted(hook).filtered == (each.recorded ? 0 : 1));
  }
}

TEST_CASE("filter: an interface that records everything looks at no address or port") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.set_policy(INTERFACE_ALL);
  rig.set_flags(kOnlyAddresses | kOnlyPorts);
  rig.add_address("10.0.0.1", ADDRESS_EXCLUDED);
  rig.run(Hook::kTcIngress, tcp4());
  CHECK(rig.counted(Hook::kTcIngress).written == 1);
}

TEST_CASE("filter: what is remembered of an address is void in a new generation") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.set_policy(INTERFACE_MATCH);
  rig.set_flags(kOnlyAddresses);
  rig.run(Hook::kTcIngress, tcp4());
  rig.run(Hook::kTcIngress, udp6());
  CHECK(rig.take_blocks().empty());
  rig.add_address("10.0.0.2", ADDRESS_INCLUDED);
  rig.add_address("fd00::2", ADDRESS_INCLUDED);
  rig.run(Hook::kTcIngress, tcp4());
  rig.run(Hook::kTcIngress, udp6());
  CHECK(rig.take_blocks().size() == 2);
}

TEST_CASE("filter: addresses that share a place in the memory of addresses are told apart") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.set_policy(INTERFACE_MATCH);
  rig.set_flags(kOnlyAddresses);
  for (int i = 0; i < 256; i += 2)
    rig.add_address("10.7.0." + std::to_string(i), ADDRESS_INCLUDED);
  unsigned wanted = 0;
  for (int round = 0; round < 2; ++round)
    for (int net = 0; net < 16; ++net)  // more addresses than are remembered
      for (int i = 0; i < 256; ++i) {
        const auto address = "10." + std::to_string(net) + ".0." + std::to_string(i);
        rig.run(Hook::kTcIngress, tcp4("192.0.2.1", address.c_str()));
        wanted += net == 7 && i % 2 == 0;
      }
  CHECK(rig.take_blocks().size() == wanted);
}

TEST_CASE(
    "filter: an interface whose number is too high for the array has its policy in the hash") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.leave_policy_to_hash();
  rig.run(Hook::kTcIngress, tcp4());
  CHECK(rig.counted(Hook::kTcIngress).written == 1);
}

TEST_CASE("filter: an interface without a policy is none of ours and counts nothing") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.remove_policy();
  rig.run(Hook::kTcIngress, tcp4());
  CHECK(rig.counted(Hook::kTcIngress).seen == 0);
  CHECK(rig.take_blocks().empty());
}

}  // namespace caprock::test
