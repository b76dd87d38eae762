// SPDX-License-Identifier: Apache-2.0
#include "export/traffic_meter.hpp"

#include <charconv>
#include <optional>
#include <string_view>

#include "export/flow_text.hpp"
#include "export/own_loopback.hpp"

namespace caprock::exporting {
namespace {

constexpr std::uint32_t kOutbound = 2;
constexpr std::uint32_t kDirection = 3;  // of epb_flags

/// How many events an entry stands for: one, or those that were left out.
std::uint64_t events_of(const pcapng::Block& journal) {
  const std::string_view digits = pcapng::journal_field(journal, "CAPROCK_SUPPRESSED");
  std::uint64_t events = 1;
  std::from_chars(digits.data(), digits.data() + digits.size(), events);
  return events;
}

std::optional<Trouble> trouble_of(const pcapng::Block& journal) {
  if (pcapng::journal_field(journal, "CAPROCK_LAYER") != "os") return std::nullopt;
  const std::string_view event = pcapng::journal_field(journal, "CAPROCK_EVENT");
  if (event == "retransmit") return Trouble{.retransmissions = events_of(journal)};
  if (event == "drop") return Trouble{.drops = events_of(journal)};
  if (event == "reset-sent" || event == "reset-received")
    return Trouble{.resets = events_of(journal)};
  return std::nullopt;
}

}  // namespace

Status TrafficMeter::write(Bytes piece) {
  if (!wanted_()) return Error("the client has gone, or the agent stops");
  blocks_.split(piece, [this](const pcapng::Block& block) { take(block); });
  return {};
}

void TrafficMeter::take(const pcapng::Block& block) {
  if (const auto packet = pcapng::as_packet(block)) {
    take_packet(*packet);
  } else if (block.type == pcapng::kJournalExport) {
    take_entry(block);
  } else if (const auto interface = pcapng::as_interface(block)) {
    interfaces_.push_back(
        {.name = std::string(interface->name()), .of_pod = is_pods_loopback(*interface)});
  }
}

void TrafficMeter::take_packet(const pcapng::PacketView& packet) {
  const auto flow = flow_of(packet.captured);
  if (!flow) return traffic_.count_other(Volume{1, packet.original_bytes});
  traffic_.count(*flow, {.interface = packet.interface_id,
                         .time_ns = static_cast<std::int64_t>(packet.time),
                         .bytes = packet.original_bytes,
                         .outbound = (packet.flags() & kDirection) == kOutbound});
}

void TrafficMeter::take_entry(const pcapng::Block& journal) {
  owners_.take(journal);
  const auto trouble = trouble_of(journal);
  if (!trouble) return;
  if (const auto flow = parse_flow(pcapng::journal_field(journal, "CAPROCK_FLOW")))
    traffic_.count(*flow, pcapng::journal_time_ns(journal).value_or(0), *trouble);
  else
    traffic_.count_other(*trouble);
}

}  // namespace caprock::exporting
