// SPDX-License-Identifier: Apache-2.0
#include "filter/prefix.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>

namespace caprock::filter {
namespace {

std::optional<Prefix> parse_address(const std::string& text) {
  Prefix prefix;
  if (inet_pton(AF_INET, text.c_str(), prefix.bytes.data()) == 1) {
    prefix.bits = 32;
    return prefix;
  }
  if (inet_pton(AF_INET6, text.c_str(), prefix.bytes.data()) != 1) return std::nullopt;
  prefix.ipv6 = true;
  prefix.bits = 128;
  return prefix;
}

std::optional<unsigned> parse_bits(std::string_view text, unsigned most) {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits > most) return std::nullopt;
  return bits;
}

}  // namespace

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(std::string(text.substr(0, slash)));
  if (!address)
    return Error(fmt::format("\"{}\" is neither an IPv4 nor an IPv6 address or CIDR", text));
  if (slash == text.npos) return *address;
  const auto bits = parse_bits(text.substr(slash + 1), address->address_bits());
  if (!bits)
    return Error(
        fmt::format("\"{}\" must end with a prefix of /0 to /{}", text, address->address_bits()));
  return address->truncated(*bits);
}

Prefix Prefix::truncated(unsigned shorter) const {
  Prefix prefix = *this;
  prefix.bits = static_cast<std::uint8_t>(shorter);
  for (unsigned i = 0; i < prefix.bytes.size(); ++i) {
    const unsigned kept =
        shorter > 8 * i ? shorter - 8 * i : 0;  // bits of this byte and those behind it
    if (kept < 8) prefix.bytes[i] = static_cast<std::uint8_t>(prefix.bytes[i] & ~(0xff >> kept));
  }
  return prefix;
}

}  // namespace caprock::filter
