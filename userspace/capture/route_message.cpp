// SPDX-License-Identifier: Apache-2.0
#include "capture/route_message.hpp"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

namespace caprock::capture {
namespace {

int read_route_attribute(const nlattr* attribute, void* context) {
  Route& route = *static_cast<Route*>(context);
  switch (mnl_attr_get_type(attribute)) {
    case RTA_OIF:
      route.ifindex = mnl_attr_get_u32(attribute);
      break;
    case RTA_GATEWAY:
    case RTA_VIA:
      route.gateway = true;
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

int read_neighbour_attribute(const nlattr* attribute, void* context) {
  if (mnl_attr_get_type(attribute) != NDA_LLADDR) return MNL_CB_OK;
  const auto* bytes = static_cast<const std::byte*>(mnl_attr_get_payload(attribute));
  static_cast<Neighbour*>(context)->mac.assign(bytes, bytes + mnl_attr_get_payload_len(attribute));
  return MNL_CB_OK;
}

int read_namespace_attribute(const nlattr* attribute, void* id) {
  if (mnl_attr_get_type(attribute) == NETNSA_NSID)
    *static_cast<std::int32_t*>(id) = static_cast<std::int32_t>(mnl_attr_get_u32(attribute));
  return MNL_CB_OK;
}

}  // namespace

std::optional<Route> parse_route_message(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWROUTE) return std::nullopt;
  const auto* head = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  Route route{.unicast = head->rtm_type == RTN_UNICAST};
  mnl_attr_parse(&message, sizeof(rtmsg), read_route_attribute, &route);
  return route;
}

std::optional<Neighbour> parse_neighbour_message(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWNEIGH) return std::nullopt;
  const auto* head = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message));
  Neighbour neighbour{.ifindex = static_cast<std::uint32_t>(head->ndm_ifindex), .mac = {}};
  mnl_attr_parse(&message, sizeof(ndmsg), read_neighbour_attribute, &neighbour);
  return neighbour;
}

std::optional<std::int32_t> parse_namespace_message(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWNSID) return std::nullopt;
  std::int32_t id = NETNSA_NSID_NOT_ASSIGNED;
  mnl_attr_parse(&message, sizeof(rtgenmsg), read_namespace_attribute, &id);
  return id == NETNSA_NSID_NOT_ASSIGNED ? std::nullopt : std::optional(id);
}

}  // namespace caprock::capture
