// SPDX-License-Identifier: Apache-2.0
// An address prefix: "10.0.0.0/8", "2001:db8::/32", or a single address.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "core/result.hpp"

namespace caprock::filter {

struct Prefix {
  bool ipv6 = false;
  std::uint8_t bits = 0;  // 0…32 or 0…128
  std::array<std::uint8_t, 16>
      bytes{};  // in network order; bits beyond the prefix are 0, so are an IPv4's last 12 bytes

  /// An address, or a CIDR, whose bits beyond the prefix are ignored.
  static Result<Prefix> parse(std::string_view text);

  unsigned address_bits() const { return ipv6 ? 128 : 32; }
  bool is_single_address() const { return bits == address_bits(); }

  /// The first `shorter` bits of it.
  Prefix truncated(unsigned shorter) const;

  auto operator<=>(const Prefix&) const = default;
};

}  // namespace caprock::filter
