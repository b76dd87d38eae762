// SPDX-License-Identifier: Apache-2.0
// rtnetlink requests with libmnl.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/byte_span.hpp"
#include "core/result.hpp"

namespace caprock::capture {

struct CloseNetlink {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using NetlinkSocket = std::unique_ptr<mnl_socket, CloseNetlink>;

/// `groups`: RTMGRP_* to listen to; `flags`: SOCK_NONBLOCK or 0.
Result<NetlinkSocket> open_netlink(unsigned groups, int flags);

struct NetlinkAttribute {
  std::uint16_t type;
  Bytes value;
};

/// All messages of the answer to a dump request, one behind the other. `header` is what the type
/// wants behind nlmsghdr; with `attributes`, the kernel refuses what it does not know instead of
/// answering without it. Asked again while the kernel says that things changed under its hands.
Result<std::vector<std::byte>> netlink_dump(std::uint16_t type, Bytes header,
                                            const std::vector<NetlinkAttribute>& attributes = {});

/// The answer to a request for one thing; nothing where the kernel knows no such thing.
Result<std::optional<std::vector<std::byte>>> netlink_get(
    std::uint16_t type, Bytes header, const std::vector<NetlinkAttribute>& attributes);

/// A request to change something; the kernel's refusal is the error.
Status netlink_change(std::uint16_t type, Bytes header);

template <class Visit>
void for_each_message(Bytes messages, Visit visit) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(messages.data());
  int left = static_cast<int>(messages.size());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
    visit(*message);
}

}  // namespace caprock::capture
