// SPDX-License-Identifier: Apache-2.0
// A network device as rtnetlink describes it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace caprock::capture {

struct Device {
  std::uint32_t ifindex = 0;
  std::string name;
  std::vector<std::string> alternative_names;
  std::string kind;  // "veth", "bridge", "vlan", "tun" …; empty: hardware, or loopback
  bool up = false;   // administratively
  bool running = false;
  std::uint16_t arp_type = 0;    // ARPHRD_*
  std::uint32_t master = 0;      // ifindex of the bridge, bond, … that it is a port of; 0: none
  std::uint32_t lower = 0;       // IFLA_LINK: the device below, of a veth its peer; 0: none
  bool lower_elsewhere = false;  // `lower` is in another network namespace
  std::int32_t lower_namespace =
      -1;                         // its id (namespace_links.hpp); -1: it is in this one, or unknown
  std::uint16_t tunnel_port = 0;  // UDP, of VXLAN and Geneve; 0: it is none
  std::uint32_t mtu = 0;
  std::string mac;  // "02:00:00:00:00:01"; empty: none

  bool operator==(const Device&) const = default;
};

/// That of loopback, in every network namespace.
constexpr std::uint32_t kLoopbackIfindex = 1;

using DeviceMap = std::map<std::uint32_t, Device>;  // by ifindex

/// Whether packets start with an Ethernet header there.
bool has_ethernet_header(const Device& device);

/// Whether packets start with an IP header there (tun, WireGuard, PPP, IP tunnels).
bool has_bare_ip(const Device& device);

/// Two devices of which each receives what the other one sends, as veth.
bool is_pair(const Device& device);

/// One device came, went, or is different from what was known.
struct DeviceChange {
  enum class Kind { kAppeared, kChanged, kVanished };
  Kind kind = Kind::kAppeared;
  Device before;  // empty when it appeared
  Device after;   // empty when it vanished
};

/// What happened to which device, for the log: "eth0: up, renamed from enp3s0".
std::string describe(const DeviceChange& change);

/// The changes that lead from one state to the other.
std::vector<DeviceChange> difference(const DeviceMap& before, const DeviceMap& after);

}  // namespace caprock::capture
