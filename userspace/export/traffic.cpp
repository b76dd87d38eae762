// SPDX-License-Identifier: Apache-2.0
#include "export/traffic.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <type_traits>

namespace caprock::exporting {
namespace {

std::size_t hash_of(const FlowEnd& end) {
  static_assert(std::has_unique_object_representations_v<FlowEnd>);
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(&end), sizeof end});
}

}  // namespace

std::size_t Traffic::Hash::operator()(const Flow& flow) const {
  constexpr std::size_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
  return (hash_of(flow.source) * kOdd) ^ hash_of(flow.destination) ^ flow.protocol;
}

/// Null: there is no room for one more.
Traffic::Record* Traffic::record_of(const Flow& flow) {
  const auto known = records_.find(flow);
  if (known != records_.end()) return &known->second;
  return records_.size() < max_flows_ ? &records_[flow] : nullptr;
}

Traffic::Seen& Traffic::seen_by(Record& record, std::uint32_t interface) {
  const auto known = std::ranges::find(record.seen, interface, &Seen::interface);
  if (known != record.seen.end()) return *known;
  return record.seen.emplace_back(Seen{.interface = interface});
}

void Traffic::count(const Flow& flow, const Packet& packet) {
  const bool backward = flow.destination < flow.source;
  const Volume volume{1, packet.bytes};
  Record* const record = record_of(backward ? flow.reversed() : flow);
  if (record == nullptr) return count_other(volume);
  const Direction direction = backward ? kBackward : kForward;
  Seen& seen = seen_by(*record, packet.interface);
  (packet.outbound ? seen.out : seen.in)[direction] += volume;
  record->last_ns = std::max(record->last_ns, packet.time_ns);
}

void Traffic::count(const Flow& flow, std::int64_t time_ns, const Trouble& trouble) {
  Record* const record = record_of(flow.destination < flow.source ? flow.reversed() : flow);
  if (record == nullptr) return count_other(trouble);
  record->trouble += trouble;
  record->last_ns = std::max(record->last_ns, time_ns);
}

const Volume& Traffic::Seen::most(Direction direction) const {
  return out[direction].bytes > in[direction].bytes ? out[direction] : in[direction];
}

HostEnd Traffic::host_end(const Seen& seen) {
  const auto& [forward, backward] = seen.out;
  if (forward.packets == backward.packets) return HostEnd::kUnknown;
  return forward.packets > backward.packets ? HostEnd::kSource : HostEnd::kDestination;
}

FlowTraffic Traffic::summary(const Flow& flow, const Record& record) {
  FlowTraffic summary;
  summary.flow = flow;
  summary.last_ns = record.last_ns;
  summary.trouble = record.trouble;
  if (record.seen.empty()) return summary;
  const auto most = [&](auto bytes) { return *std::ranges::max_element(record.seen, {}, bytes); };
  const auto of = [](Direction direction) {
    return [direction](const Seen& seen) { return seen.most(direction).bytes; };
  };
  summary.forward = most(of(kForward)).most(kForward);
  summary.backward = most(of(kBackward)).most(kBackward);
  const Seen busiest =
      most([](const Seen& seen) { return seen.most(kForward).bytes + seen.most(kBackward).bytes; });
  summary.interface = busiest.interface;
  summary.host_end = host_end(busiest);
  return summary;
}

std::vector<FlowTraffic> Traffic::flows() const {
  std::vector<FlowTraffic> flows;
  flows.reserve(records_.size());
  for (const auto& [flow, record] : records_)
    flows.push_back(summary(flow, record));
  return flows;
}

}  // namespace caprock::exporting
