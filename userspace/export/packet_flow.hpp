// SPDX-License-Identifier: Apache-2.0
// Between whom a TCP segment goes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>

#include "core/byte_span.hpp"

namespace caprock::exporting {

struct FlowEnd {
  std::array<std::byte, 16> address{};  // IPv4 as ::ffff:a.b.c.d
  std::uint16_t port = 0;

  auto operator<=>(const FlowEnd&) const = default;
};

struct Flow {
  FlowEnd source;
  FlowEnd destination;

  auto operator<=>(const Flow&) const = default;
};

/// Of an Ethernet frame, with VLAN tags or without; nothing where it holds no TCP header.
std::optional<Flow> tcp_flow_of(Bytes frame);

}  // namespace caprock::exporting
