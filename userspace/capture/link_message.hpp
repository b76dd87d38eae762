// SPDX-License-Identifier: Apache-2.0
// rtnetlink's messages about devices (RTM_NEWLINK, RTM_DELLINK).
#pragma once

#include <linux/netlink.h>

#include <optional>

#include "capture/device.hpp"

namespace caprock::capture {

struct LinkMessage {
  bool gone = false;
  Device device;
};

/// Nothing for messages of other types, and for those of a bridge about its port (family
/// AF_BRIDGE): a port that leaves its bridge is reported as "deleted" there.
std::optional<LinkMessage> parse_link_message(const nlmsghdr& message);

}  // namespace caprock::capture
