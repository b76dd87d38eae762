// SPDX-License-Identifier: Apache-2.0
#include "export/socket_event.hpp"

#include <fmt/format.h>

#include <charconv>

#include "export/flow_text.hpp"

namespace caprock::exporting {
namespace {

template <class T>
T number(std::string_view digits) {
  T value{};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

void take_field(SocketEvent& event, std::string_view name, std::string_view value) {
  if (name == "CAPROCK_EVENT") event.type = value;
  if (name == "CAPROCK_REASON") event.reason = value;
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

std::string pod_in(const pcapng::Block& journal) {
  const std::string_view pod = pcapng::journal_field(journal, "CAPROCK_POD");
  if (pod.empty()) return {};
  return fmt::format("{}/{}", pcapng::journal_field(journal, "CAPROCK_NAMESPACE"), pod);
}

std::optional<SocketEvent> parse_socket_event(const pcapng::Block& block) {
  const auto time_ns = pcapng::journal_time_ns(block);
  if (!time_ns || pcapng::journal_field(block, "CAPROCK_LAYER") != "os") return std::nullopt;
  SocketEvent event;
  event.time_ns = *time_ns;
  pcapng::JournalCursor fields(block);
  while (const auto field = fields.next())
    take_field(event, field->first, field->second);
  event.process.pod = pod_in(block);
  return event;
}

}  // namespace caprock::exporting
