// SPDX-License-Identifier: Apache-2.0
// rtnetlink's answers about the way to an address: routes (RTM_NEWROUTE), neighbours and bridges'
// ports (RTM_NEWNEIGH), network namespaces (RTM_NEWNSID).
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace caprock::capture {

struct Route {
  std::uint32_t ifindex = 0;  // of the device that packets leave by; 0: none is said
  bool unicast = false;       // neither this host's own nor refused
  bool gateway = false;       // the address is beyond another router
};

struct Neighbour {
  std::uint32_t ifindex = 0;   // of its device; in an answer of a bridge, the port's
  std::vector<std::byte> mac;  // empty: not known
};

/// Nothing for messages of other types.
std::optional<Route> parse_route_message(const nlmsghdr& message);
std::optional<Neighbour> parse_neighbour_message(const nlmsghdr& message);

/// Nothing also where the namespace has no id here.
std::optional<std::int32_t> parse_namespace_message(const nlmsghdr& message);

}  // namespace caprock::capture
