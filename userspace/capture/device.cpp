// SPDX-License-Identifier: Apache-2.0
#include "capture/device.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/if_arp.h>

#include <algorithm>
#include <iterator>

namespace caprock::capture {
namespace {

std::string describe_differences(const Device& before, const Device& after) {
  std::vector<std::string> parts;
  if (before.name != after.name) parts.push_back(fmt::format("renamed from {}", before.name));
  if (before.up != after.up) parts.emplace_back(after.up ? "up" : "down");
  if (before.running != after.running) parts.emplace_back(after.running ? "running" : "no carrier");
  if (before.master != after.master) {
    parts.push_back(after.master != 0 ? fmt::format("port of device {}", after.master)
                                      : "a port no more");
  }
  if (parts.empty()) parts.emplace_back("changed");
  return fmt::format("{}: {}", after.name, fmt::join(parts, ", "));
}

}  // namespace

bool has_ethernet_header(const Device& device) {
  return device.arp_type == ARPHRD_ETHER || device.arp_type == ARPHRD_LOOPBACK;
}

bool has_bare_ip(const Device& device) {
  constexpr std::uint16_t kTypes[] = {ARPHRD_NONE, ARPHRD_RAWIP, ARPHRD_PPP,     ARPHRD_TUNNEL,
                                      ARPHRD_SIT,  ARPHRD_IPGRE, ARPHRD_TUNNEL6, ARPHRD_IP6GRE};
  return std::find(std::begin(kTypes), std::end(kTypes), device.arp_type) != std::end(kTypes);
}

bool is_pair(const Device& device) {
  return device.kind == "veth" || device.kind == "netkit";
}

std::string describe(const DeviceChange& change) {
  switch (change.kind) {
    case DeviceChange::Kind::kAppeared:
      return fmt::format("{}: appeared, {}", change.after.name, change.after.up ? "up" : "down");
    case DeviceChange::Kind::kVanished:
      return fmt::format("{}: gone", change.before.name);
    case DeviceChange::Kind::kChanged:
      break;
  }
  return describe_differences(change.before, change.after);
}

std::vector<DeviceChange> difference(const DeviceMap& before, const DeviceMap& after) {
  std::vector<DeviceChange> changes;
  for (const auto& [ifindex, device] : before) {
    if (!after.contains(ifindex)) changes.push_back({DeviceChange::Kind::kVanished, device, {}});
  }
  for (const auto& [ifindex, device] : after) {
    const auto known = before.find(ifindex);
    if (known == before.end()) {
      changes.push_back({DeviceChange::Kind::kAppeared, {}, device});
    } else if (known->second != device) {
      changes.push_back({DeviceChange::Kind::kChanged, known->second, device});
    }
  }
  return changes;
}

}  // namespace caprock::capture
