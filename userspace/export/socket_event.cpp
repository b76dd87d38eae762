// SPDX-License-Identifier: Apache-2.0
#include "export/socket_event.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <string>

namespace caprock::exporting {
namespace {

template <class T>
T number(std::string_view digits) {
  T value{};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// What stands in front of the first `separator`; it goes with it.
std::string_view take_word(std::string_view& text, std::string_view separator) {
  const auto end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + separator.size());
  return word;
}

/// "10.0.0.1", "fd00::1".
std::optional<Address> parse_address(std::string_view text) {
  const bool ipv6 = text.find(':') != text.npos;
  const std::string whole = (ipv6 ? "" : "::ffff:") + std::string(text);
  Address address;
  if (::inet_pton(AF_INET6, whole.c_str(), address.data()) != 1) return std::nullopt;
  return address;
}

/// "10.0.0.1:80", "[fd00::1]:80".
std::optional<FlowEnd> parse_end(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  if (!address) return std::nullopt;
  return FlowEnd{*address, number<std::uint16_t>(text.substr(colon + 1))};
}

std::uint8_t parse_protocol(std::string_view name) {
  if (name == "TCP") return IPPROTO_TCP;
  return name == "UDP" ? IPPROTO_UDP : 0;
}

/// "TCP 10.0.0.1:4000 > 10.0.0.2:80".
std::optional<Flow> parse_flow(std::string_view text) {
  const std::uint8_t protocol = parse_protocol(take_word(text, " "));
  const auto source = parse_end(take_word(text, " > "));
  const auto destination = parse_end(text);
  if (protocol == 0 || !source || !destination) return std::nullopt;
  return Flow{protocol, *source, *destination};
}

/// "10.77.0.2 fd77::2"
std::vector<Address> parse_addresses(std::string_view text) {
  std::vector<Address> addresses;
  while (!text.empty()) {
    if (const auto address = parse_address(take_word(text, " "))) addresses.push_back(*address);
  }
  return addresses;
}

void take_field(SocketEvent& event, std::string_view name, std::string_view value) {
  if (name == "CAPROCK_EVENT") event.type = value;
  if (name == "CAPROCK_FLOW") event.flow = parse_flow(value);
  if (name == "CAPROCK_NETNS") event.network = number<std::uint64_t>(value);
  if (name == "CAPROCK_OWN_NETNS") event.own_network = true;
  if (name == "CAPROCK_ADDRESSES") event.addresses = parse_addresses(value);
  if (name == "CAPROCK_LATENCY_NS") event.latency_ns = number<std::int64_t>(value);
  if (name == "_PID") event.process.pid = number<std::uint32_t>(value);
  if (name == "CAPROCK_TID") event.process.tid = number<std::uint32_t>(value);
  if (name == "_COMM") event.process.comm = value;
}

}  // namespace

std::optional<SocketEvent> parse_socket_event(const pcapng::Block& block) {
  const auto time_ns = pcapng::journal_time_ns(block);
  if (!time_ns || pcapng::journal_field(block, "CAPROCK_LAYER") != "os") return std::nullopt;
  SocketEvent event;
  event.time_ns = *time_ns;
  pcapng::JournalCursor fields(block);
  while (const auto field = fields.next())
    take_field(event, field->first, field->second);
  return event;
}

}  // namespace caprock::exporting
