// SPDX-License-Identifier: Apache-2.0
// Between whom a TCP segment or a UDP datagram goes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>

#include "core/byte_span.hpp"

namespace caprock::exporting {

using Address = std::array<std::byte, 16>;  // network order, IPv4 as ::ffff:a.b.c.d

bool is_ipv4(const Address& address);
bool is_unspecified(const Address& address);  // 0.0.0.0, ::
bool is_loopback(const Address& address);     // 127.0.0.0/8, ::1
bool is_multicast(const Address& address);    // and the broadcast address of IPv4

struct FlowEnd {
  Address address{};
  std::uint16_t port = 0;

  auto operator<=>(const FlowEnd&) const = default;
};

struct Flow {
  std::uint8_t protocol = 0;  // IPPROTO_TCP, IPPROTO_UDP
  FlowEnd source;
  FlowEnd destination;

  auto operator<=>(const Flow&) const = default;

  Flow reversed() const { return {protocol, destination, source}; }
};

/// Of an Ethernet frame, with VLAN tags or without; nothing where it holds no ports of TCP or UDP.
std::optional<Flow> flow_of(Bytes frame);

}  // namespace caprock::exporting
