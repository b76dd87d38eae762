// SPDX-License-Identifier: Apache-2.0
#include "capture/interface_selection.hpp"

#include <fmt/format.h>
#include <fnmatch.h>
#include <linux/if_arp.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

namespace caprock::capture {
namespace {

using Reason = std::optional<std::string>;  // why a device is left out

constexpr std::string_view kMasters[] = {"bond", "bridge", "hsr", "openvswitch", "team", "vrf"};
constexpr std::string_view kUdpTunnels[] = {"bareudp", "geneve", "gtp", "vxlan"};
// What the device below carries for these is no TCP or UDP, or encrypted: here alone can it be
// seen.
constexpr std::string_view kOpaqueBelow[] = {
    "dsa",  "erspan", "gre", "gretap", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl",
    "ipip", "macsec", "ppp", "sit",    "vti",       "vti6",   "wireguard", "xfrm"};

template <std::size_t n>
bool contains(const std::string_view (&kinds)[n], const std::string& kind) {
  return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

bool matches(const std::string& pattern, const Device& device) {
  const auto names = [&](const std::string& name) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  };
  return names(device.name) ||
         std::any_of(device.alternative_names.begin(), device.alternative_names.end(), names);
}

bool matches_any(const std::vector<std::string>& patterns, const Device& device) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(pattern, device); });
}

/// The device below, where it is in this namespace.
const Device* find_lower(const Device& device, const DeviceMap& devices) {
  if (device.lower == 0 || device.lower_elsewhere) return nullptr;
  const auto found = devices.find(device.lower);
  return found == devices.end() ? nullptr : &found->second;
}

Reason reason_whatever_is_asked(const Device& device, const InterfaceWishes& wishes) {
  if (matches_any(wishes.excluded, device)) return "excluded by the configuration";
  if (!device.up) return "down";
  if (has_ethernet_header(device) || has_bare_ip(device)) return std::nullopt;
  return fmt::format("carries neither Ethernet nor IP (ARP type {})", device.arp_type);
}

/// Of a pair with both ends in this namespace the one with the lower index is recorded.
Reason reason_pair(const Device& device, const DeviceMap& devices, const InterfaceWishes& wishes) {
  const Device* peer = find_lower(device, devices);
  if (peer == nullptr || peer->ifindex > device.ifindex || reason_whatever_is_asked(*peer, wishes))
    return std::nullopt;
  return fmt::format("{}: its packets are seen on its peer {}", device.kind, peer->name);
}

Reason reason_auto(const Device& device, const DeviceMap& devices, const InterfaceWishes& wishes) {
  const std::string& kind = device.kind;
  if (contains(kMasters, kind)) return fmt::format("{}: its packets are seen on its ports", kind);
  if (wishes.overlays && device.tunnel_port != 0) return std::nullopt;
  if (contains(kUdpTunnels, kind))
    return fmt::format("{}: its packets are seen in the tunnel's on the way out", kind);
  if (kind == "ifb") return "ifb: its packets are seen on the device that redirects them to it";
  if (is_pair(device)) return reason_pair(device, devices, wishes);
  const Device* lower = find_lower(device, devices);
  if (lower == nullptr || contains(kOpaqueBelow, kind)) return std::nullopt;
  return fmt::format("{}: its packets are seen on {}", kind, lower->name);
}

Reason reason_to_omit(const Device& device, const DeviceMap& devices,
                      const InterfaceWishes& wishes) {
  if (matches_any(wishes.mirrors, device)) return reason_whatever_is_asked(device, wishes);
  if (!wishes.interfaces.empty() && !matches_any(wishes.interfaces, device))
    return "not in the list of interfaces";
  if (Reason reason = reason_whatever_is_asked(device, wishes)) return reason;
  return wishes.interfaces.empty() ? reason_auto(device, devices, wishes) : std::nullopt;
}

/// Native XDP belongs on NICs; a tap is a virtual machine's NIC. On a veth it would disable the
/// pod's offloads.
bool takes_xdp(const Device& device) {
  return device.arp_type == ARPHRD_ETHER && (device.kind.empty() || device.kind == "tun");
}

SelectedDevice how_to_record(const Device& device, bool xdp) {
  return {.device = device,
          .link = has_ethernet_header(device) ? LINK_ETHERNET : LINK_IP,
          .ingress = xdp && takes_xdp(device) ? IngressHook::kXdp : IngressHook::kTc,
          .egress = device.arp_type != ARPHRD_LOOPBACK,
          .mirror = false,
          .refusal = {},
          .network = {}};
}

/// The device and all that receives through it: its master, VLANs and the like, and theirs.
std::set<std::uint32_t> with_all_above(const Device& device, const DeviceMap& devices) {
  std::set<std::uint32_t> found{device.ifindex};
  std::size_t known = 0;
  do {
    known = found.size();
    for (const auto& [ifindex, other] : devices) {
      const Device* lower = find_lower(other, devices);
      if (lower != nullptr && !is_pair(other) && found.contains(lower->ifindex))
        found.insert(ifindex);
      if (devices.contains(other.master) && found.contains(ifindex)) found.insert(other.master);
    }
  } while (found.size() != known);
  return found;
}

const std::string* find_address(const std::set<std::uint32_t>& ifindexes,
                                const HostAddresses& addresses) {
  for (const auto& [ifindex, address] : addresses)
    if (ifindexes.contains(ifindex)) return &address;
  return nullptr;
}

const Device* find_master(const std::set<std::uint32_t>& ifindexes, const DeviceMap& devices) {
  for (const std::uint32_t ifindex : ifindexes) {
    const auto master = devices.find(devices.at(ifindex).master);
    if (master != devices.end()) return &master->second;
  }
  return nullptr;
}

/// Why what the device receives must not end in the record.
std::string reason_not_to_consume(const Device& device, const DeviceMap& devices,
                                  const InterfaceWishes& wishes, const HostAddresses& addresses) {
  if (device.arp_type != ARPHRD_ETHER) return "only Ethernet ports can be";
  if (wishes.mirror_force) return {};
  constexpr std::string_view kForce = "or set agent.mirrorForce: true";
  const auto receivers = with_all_above(device, devices);
  if (const std::string* address = find_address(receivers, addresses)) {
    return fmt::format("this host would no longer be reached there as {}; remove the address, {}",
                       *address, kForce);
  }
  const Device* master = find_master(receivers, devices);
  if (master == nullptr) return {};
  return fmt::format("{} would no longer receive through it; take it out of there, {}",
                     master->name, kForce);
}

SelectedDevice how_to_mirror(const Device& device, const DeviceMap& devices,
                             const InterfaceWishes& wishes, const HostAddresses& addresses) {
  SelectedDevice selected = how_to_record(device, wishes.xdp);
  selected.mirror = true;
  const std::string reason = reason_not_to_consume(device, devices, wishes, addresses);
  if (reason.empty()) {
    selected.ingress = IngressHook::kMirror;
    selected.egress = false;
  } else {
    selected.refusal = fmt::format(
        "{}: not taken as a mirror port, but recorded like any other: {}", device.name, reason);
  }
  return selected;
}

void add_unmatched(std::vector<std::string>& unmatched, std::string_view key,
                   const DeviceMap& devices, const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) {
    const bool matched = std::any_of(devices.begin(), devices.end(), [&](const auto& entry) {
      return matches(pattern, entry.second);
    });
    if (!matched) unmatched.push_back(fmt::format("{}: no device is called {}", key, pattern));
  }
}

/// Whether what comes in by a device was met on the one below as it is.
bool passes_on(const Device& device) {
  return !is_pair(device) && !contains(kOpaqueBelow, device.kind) &&
         !contains(kUdpTunnels, device.kind);
}

}  // namespace

std::set<std::uint32_t> devices_above(const DeviceMap& devices,
                                      const std::set<std::uint32_t>& recorded) {
  std::set<std::uint32_t> above;
  const auto met = [&](std::uint32_t ifindex) {
    return recorded.contains(ifindex) || above.contains(ifindex);
  };
  std::size_t known = 0;
  do {
    known = above.size();
    std::map<std::uint32_t, bool> masters;  // whether all ports are met that let something in
    for (const auto& [ifindex, device] : devices) {
      const Device* lower = find_lower(device, devices);
      if (device.master != 0 && device.up)
        masters.try_emplace(device.master, true).first->second &= met(ifindex);
      if (lower != nullptr && passes_on(device) && met(lower->ifindex)) above.insert(ifindex);
    }
    for (const auto& [master, all_met] : masters)
      if (all_met) above.insert(master);
  } while (above.size() != known);
  for (const std::uint32_t ifindex : recorded)
    above.erase(ifindex);
  return above;
}

InterfaceSelection select_interfaces(const DeviceMap& devices, const InterfaceWishes& wishes,
                                     const HostAddresses& addresses) {
  InterfaceSelection selection;
  for (const auto& [ifindex, device] : devices) {
    if (Reason reason = reason_to_omit(device, devices, wishes)) {
      selection.omitted.push_back({device.name, *std::move(reason)});
    } else if (matches_any(wishes.mirrors, device)) {
      selection.selected.push_back(how_to_mirror(device, devices, wishes, addresses));
    } else {
      selection.selected.push_back(how_to_record(device, wishes.xdp));
    }
  }
  add_unmatched(selection.unmatched, "agent.interfaces", devices, wishes.interfaces);
  add_unmatched(selection.unmatched, "agent.mirrorInterfaces", devices, wishes.mirrors);
  return selection;
}

SelectedDevice select_loopback(const ProcessNetwork& network) {
  Device device;
  device.ifindex = kLoopbackIfindex;
  device.name = "lo";
  device.arp_type = ARPHRD_LOOPBACK;
  SelectedDevice selected = how_to_record(device, false);
  selected.network = network;
  return selected;
}

SelectedDevice select_pod_end(const Device& link, const ProcessNetwork& network) {
  Device device;
  device.ifindex = link.lower;
  device.name = link.name;
  device.arp_type = link.arp_type;
  SelectedDevice selected = how_to_record(device, false);
  selected.egress = false;
  selected.network = network;
  selected.end_of = link.ifindex;
  return selected;
}

}  // namespace caprock::capture
