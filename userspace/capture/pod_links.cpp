// SPDX-License-Identifier: Apache-2.0
#include "capture/pod_links.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <span>
#include <utility>

#include "capture/bpf_map.hpp"
#include "capture/netlink.hpp"
#include "capture/route_message.hpp"

namespace caprock::capture {
namespace {

struct IpAddress {
  unsigned char family = AF_INET;
  std::array<std::byte, 16> bytes{};

  Bytes value() const { return Bytes(bytes).first(family == AF_INET ? 4 : 16); }
};

std::optional<IpAddress> parse_address(const std::string& text) {
  IpAddress address;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.family = AF_INET6;
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

template <class Header, class Parse>
auto ask(std::uint16_t type, const Header& header, const std::vector<NetlinkAttribute>& attributes,
         Parse parse) -> Result<decltype(parse(std::declval<const nlmsghdr&>()))> {
  const auto answer = netlink_get(type, object_bytes(header), attributes);
  if (!answer) return answer.error();
  decltype(parse(std::declval<const nlmsghdr&>())) found;
  if (*answer) for_each_message(**answer, [&](const nlmsghdr& message) { found = parse(message); });
  return found;
}

Result<std::optional<std::int32_t>> namespace_id(std::uint16_t attribute, std::int32_t value) {
  const rtgenmsg header{.rtgen_family = AF_UNSPEC};
  return ask(RTM_GETNSID, header, {{attribute, object_bytes(value)}}, parse_namespace_message);
}

Result<std::optional<Route>> route_to(const IpAddress& address) {
  rtmsg header{};
  header.rtm_family = address.family;
  header.rtm_dst_len = static_cast<unsigned char>(8 * address.value().size());
  return ask(RTM_GETROUTE, header, {{RTA_DST, address.value()}}, parse_route_message);
}

Result<std::optional<Neighbour>> neighbour_of(const IpAddress& address, std::uint32_t ifindex) {
  ndmsg header{};
  header.ndm_family = address.family;
  header.ndm_ifindex = static_cast<int>(ifindex);
  return ask(RTM_GETNEIGH, header, {{NDA_DST, address.value()}}, parse_neighbour_message);
}

/// Where a bridge has heard of an Ethernet address.
Result<std::optional<Neighbour>> port_of(Bytes mac, std::uint32_t bridge) {
  ndmsg header{};
  header.ndm_family = AF_BRIDGE;
  return ask(RTM_GETNEIGH, header, {{NDA_LLADDR, mac}, {NDA_MASTER, object_bytes(bridge)}},
             parse_neighbour_message);
}

Result<std::optional<std::uint32_t>> port_towards(const IpAddress& address, std::uint32_t bridge) {
  const auto neighbour = neighbour_of(address, bridge);
  if (!neighbour) return neighbour.error();
  if (!*neighbour || (*neighbour)->mac.empty()) return std::optional<std::uint32_t>();
  const auto port = port_of((*neighbour)->mac, bridge);
  if (!port) return port.error();
  return *port ? std::optional((*port)->ifindex) : std::nullopt;
}

bool leads_elsewhere(const DeviceMap& devices, std::uint32_t ifindex) {
  const auto found = devices.find(ifindex);
  return found != devices.end() && is_pair(found->second) && found->second.lower_elsewhere;
}

}  // namespace

Result<std::optional<std::int32_t>> namespace_id_of_process(pid_t pid) {
  return namespace_id(NETNSA_PID, pid);
}

Result<std::optional<std::int32_t>> namespace_id_of_file(int fd) {
  return namespace_id(NETNSA_FD, fd);
}

std::vector<std::uint32_t> links_into_namespace(const DeviceMap& devices, std::int32_t id) {
  std::vector<std::uint32_t> links;
  for (const auto& [ifindex, device] : devices) {
    if (device.lower_elsewhere && device.lower_namespace == id && is_pair(device))
      links.push_back(ifindex);
  }
  return links;
}

Result<std::set<std::uint32_t>> links_to_routers() {
  const rtmsg every_route{};
  const auto answer = netlink_dump(RTM_GETROUTE, object_bytes(every_route));
  if (!answer) return answer.error().context("read the routes");
  std::set<std::uint32_t> links;
  for_each_message(*answer, [&](const nlmsghdr& message) {
    const auto route = parse_route_message(message);
    if (route && route->unicast && route->gateway && route->ifindex != 0)
      links.insert(route->ifindex);
  });
  return links;
}

Result<std::optional<std::uint32_t>> link_to_address(const DeviceMap& devices,
                                                     const std::string& text) {
  const auto address = parse_address(text);
  if (!address) return Error(fmt::format("\"{}\" is no IP address", text));
  const auto route = route_to(*address);
  if (!route) return route.error().context(text);
  std::optional<std::uint32_t> link;
  if (!*route || !(*route)->unicast || (*route)->gateway) return link;
  link = (*route)->ifindex;
  const auto device = devices.find(*link);
  if (device != devices.end() && device->second.kind == "bridge") {
    const auto port = port_towards(*address, *link);
    if (!port) return port.error().context(text);
    link = *port;
  }
  return link && leads_elsewhere(devices, *link) ? link : std::nullopt;
}

}  // namespace caprock::capture
