// SPDX-License-Identifier: Apache-2.0
#include "capture/link_message.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <span>
#include <utility>

namespace caprock::capture {
namespace {

std::string format_mac(const nlattr* attribute) {
  const std::span bytes(static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
                        mnl_attr_get_payload_len(attribute));
  return fmt::format("{:02x}", fmt::join(bytes, ":"));
}

/// What IFLA_LINKINFO consists of; the data's types are the kind's own.
struct LinkInfo {
  std::string kind;
  const nlattr* data = nullptr;
};

LinkInfo read_link_info(const nlattr* link_info) {
  const auto read = [](const nlattr* attribute, void* context) {
    auto& info = *static_cast<LinkInfo*>(context);
    if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) info.kind = mnl_attr_get_str(attribute);
    if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA) info.data = attribute;
    return MNL_CB_OK;
  };
  LinkInfo info;
  mnl_attr_parse_nested(link_info, read, &info);
  return info;
}

struct PortAttribute {
  std::uint16_t type;
  std::uint16_t port = 0;
};

std::uint16_t read_tunnel_port(const LinkInfo& info) {
  if (info.data == nullptr || (info.kind != "vxlan" && info.kind != "geneve")) return 0;
  const auto read = [](const nlattr* attribute, void* context) {
    auto& wanted = *static_cast<PortAttribute*>(context);
    if (mnl_attr_get_type(attribute) == wanted.type)
      wanted.port = ntohs(mnl_attr_get_u16(attribute));
    return MNL_CB_OK;
  };
  PortAttribute found{.type = info.kind == "vxlan" ? std::uint16_t{IFLA_VXLAN_PORT}
                                                   : std::uint16_t{IFLA_GENEVE_PORT}};
  mnl_attr_parse_nested(info.data, read, &found);
  return found.port;
}

void read_link_info(const nlattr* link_info, Device& device) {
  LinkInfo info = read_link_info(link_info);
  device.tunnel_port = read_tunnel_port(info);
  device.kind = std::move(info.kind);
}

std::vector<std::string> read_alternative_names(const nlattr* properties) {
  const auto read = [](const nlattr* attribute, void* names) {
    if (mnl_attr_get_type(attribute) == IFLA_ALT_IFNAME) {
      static_cast<std::vector<std::string>*>(names)->emplace_back(mnl_attr_get_str(attribute));
    }
    return MNL_CB_OK;
  };
  std::vector<std::string> names;
  mnl_attr_parse_nested(properties, read, &names);
  return names;
}

int read_attribute(const nlattr* attribute, void* context) {
  Device& device = *static_cast<Device*>(context);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
      device.name = mnl_attr_get_str(attribute);
      break;
    case IFLA_PROP_LIST:
      device.alternative_names = read_alternative_names(attribute);
      break;
    case IFLA_LINKINFO:
      read_link_info(attribute, device);
      break;
    case IFLA_MASTER:
      device.master = mnl_attr_get_u32(attribute);
      break;
    case IFLA_LINK:
      device.lower = mnl_attr_get_u32(attribute);
      break;
    case IFLA_LINK_NETNSID:
      device.lower_elsewhere = true;
      device.lower_namespace = static_cast<std::int32_t>(mnl_attr_get_u32(attribute));
      break;
    case IFLA_MTU:
      device.mtu = mnl_attr_get_u32(attribute);
      break;
    case IFLA_ADDRESS:
      device.mac = format_mac(attribute);
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

}  // namespace

std::optional<LinkMessage> parse_link_message(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return std::nullopt;
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  if (info->ifi_family != AF_UNSPEC) return std::nullopt;

  LinkMessage link{.gone = message.nlmsg_type == RTM_DELLINK, .device = {}};
  link.device.ifindex = static_cast<std::uint32_t>(info->ifi_index);
  link.device.arp_type = info->ifi_type;
  link.device.up = (info->ifi_flags & IFF_UP) != 0;
  link.device.running = (info->ifi_flags & IFF_RUNNING) != 0;
  mnl_attr_parse(&message, sizeof(ifinfomsg), read_attribute, &link.device);
  return link;
}

}  // namespace caprock::capture
