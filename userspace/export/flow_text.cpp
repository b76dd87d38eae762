// SPDX-License-Identifier: Apache-2.0
#include "export/flow_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <charconv>

namespace caprock::exporting {
namespace {

constexpr std::size_t kProtocolLetters = 3;
constexpr std::size_t kIpv4Offset = 12;  // in an Address
constexpr std::string_view kArrow = " > ";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<FlowEnd> parse_end(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  if (!port || !address) return std::nullopt;
  return FlowEnd{*address, *port};
}

std::optional<std::uint8_t> parse_protocol(std::string_view text) {
  if (text.starts_with("TCP ")) return IPPROTO_TCP;
  if (text.starts_with("UDP ")) return IPPROTO_UDP;
  return std::nullopt;
}

/// What stands in front of the first blank, which goes with it.
std::string_view take_word(std::string_view& text) {
  const auto end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return word;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::string whole(text);
  const bool ipv6 = text.find(':') != text.npos;
  Address address{};
  if (!ipv6) address[kIpv4Offset - 2] = address[kIpv4Offset - 1] = std::byte{0xff};
  std::byte* const to = ipv6 ? address.data() : &address[kIpv4Offset];
  if (::inet_pton(ipv6 ? AF_INET6 : AF_INET, whole.c_str(), to) != 1) return std::nullopt;
  return address;
}

std::vector<Address> parse_addresses(std::string_view text) {
  std::vector<Address> addresses;
  while (!text.empty()) {
    if (const auto address = parse_address(take_word(text))) addresses.push_back(*address);
  }
  return addresses;
}

std::optional<Flow> parse_flow(std::string_view text) {
  const auto protocol = parse_protocol(text);
  const auto arrow = text.find(kArrow);
  if (!protocol || arrow == text.npos) return std::nullopt;
  constexpr std::size_t kBegin = kProtocolLetters + 1;
  const auto source = parse_end(text.substr(kBegin, arrow - kBegin));
  const auto destination = parse_end(text.substr(arrow + kArrow.size()));
  if (!source || !destination) return std::nullopt;
  return Flow{*protocol, *source, *destination};
}

std::string_view protocol_text(const Flow& flow) {
  return flow.protocol == IPPROTO_UDP ? "UDP" : "TCP";
}

std::string end_text(const FlowEnd& end) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4(end.address)) {
    ::inet_ntop(AF_INET, &end.address[kIpv4Offset], text.data(), text.size());
    return fmt::format("{}:{}", text.data(), end.port);
  }
  ::inet_ntop(AF_INET6, end.address.data(), text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), end.port);
}

}  // namespace caprock::exporting
