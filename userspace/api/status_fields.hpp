// SPDX-License-Identifier: Apache-2.0
// The fields of the status document's structs by their JSON names, in the order in which they are
// printed.
#pragma once

#include <tuple>

#include "api/field.hpp"
#include "api/status.hpp"
#include "api/targets_fields.hpp"

namespace caprock::api {

constexpr auto fields(const CaptureStatus&) {
  using S = CaptureStatus;
  return std::tuple(Field{"enabled", &S::enabled}, Field{"hook", &S::hook},
                    Field{"transport", &S::transport}, Field{"stage_bytes", &S::stage_bytes},
                    Field{"resumed", &S::resumed});
}

constexpr auto fields(const InterfaceStatus&) {
  using S = InterfaceStatus;
  return std::tuple(Field{"id", &S::id}, Field{"index", &S::index}, Field{"name", &S::name},
                    Field{"description", &S::description}, Field{"hook", &S::hook},
                    Field{"error", &S::error}, Field{"ingress", &S::ingress},
                    Field{"egress", &S::egress});
}

constexpr auto fields(const LaneStatus&) {
  using S = LaneStatus;
  return std::tuple(Field{"index", &S::index}, Field{"cpus", &S::cpus}, Field{"runs", &S::runs},
                    Field{"bytes", &S::bytes}, Field{"complete_until", &S::complete_until},
                    Field{"lag_seconds", &S::lag}, Field{"stage_used_bytes", &S::stage_used_bytes},
                    Field{"stage_capacity_bytes", &S::stage_capacity_bytes});
}

constexpr auto fields(const LossStatus&) {
  using S = LossStatus;
  return std::tuple(Field{"total", &S::total}, Field{"since_start", &S::since_start},
                    Field{"last_minute", &S::last_minute},
                    Field{"truncated_since_start", &S::truncated_since_start});
}

constexpr auto fields(const Rates&) {
  using S = Rates;
  return std::tuple(Field{"packets_per_second", &S::packets_per_second},
                    Field{"bytes_per_second", &S::bytes_per_second},
                    Field{"lost_per_second", &S::lost_per_second});
}

constexpr auto fields(const SegmentCounts&) {
  using S = SegmentCounts;
  return std::tuple(Field{"free", &S::free}, Field{"ready", &S::ready}, Field{"active", &S::active},
                    Field{"sealing", &S::sealing}, Field{"sealed", &S::sealed},
                    Field{"bad", &S::bad});
}

constexpr auto fields(const RingStatus&) {
  using S = RingStatus;
  return std::tuple(Field{"path", &S::path}, Field{"size_bytes", &S::size_bytes},
                    Field{"used_bytes", &S::used_bytes}, Field{"segment_bytes", &S::segment_bytes},
                    Field{"segments", &S::segments}, Field{"oldest", &S::oldest},
                    Field{"newest", &S::newest}, Field{"history_seconds", &S::history},
                    Field{"history_at_present_rate_seconds", &S::history_at_present_rate},
                    Field{"complete_until", &S::complete_until},
                    Field{"durable_until", &S::durable_until}, Field{"laps", &S::laps},
                    Field{"recovery", &S::recovery});
}

constexpr auto fields(const EventStatus&) {
  using S = EventStatus;
  return std::tuple(Field{"name", &S::name}, Field{"hook", &S::hook}, Field{"note", &S::note},
                    Field{"recorded", &S::recorded}, Field{"suppressed", &S::suppressed},
                    Field{"lost", &S::lost});
}

constexpr auto fields(const EntryStatus&) {
  using S = EntryStatus;
  return std::tuple(Field{"name", &S::name}, Field{"recorded", &S::recorded},
                    Field{"suppressed", &S::suppressed});
}

constexpr auto fields(const KubernetesStatus&) {
  using S = KubernetesStatus;
  return std::tuple(Field{"enabled", &S::enabled}, Field{"node", &S::node}, Field{"pods", &S::pods},
                    Field{"targets", &S::targets}, Field{"resources", &S::resources},
                    Field{"entries", &S::entries}, Field{"notes", &S::notes});
}

constexpr auto fields(const ConfigStatus&) {
  using S = ConfigStatus;
  return std::tuple(Field{"file", &S::file}, Field{"loaded", &S::loaded}, Field{"notes", &S::notes},
                    Field{"reload_error", &S::reload_error});
}

constexpr auto fields(const AgentStatus&) {
  using S = AgentStatus;
  return std::tuple(Field{"version", &S::version}, Field{"node", &S::node}, Field{"pid", &S::pid},
                    Field{"now", &S::now}, Field{"started", &S::started},
                    Field{"uptime_seconds", &S::uptime}, Field{"capture", &S::capture},
                    Field{"rates", &S::rates}, Field{"loss", &S::loss}, Field{"ring", &S::ring},
                    Field{"interfaces", &S::interfaces}, Field{"lanes", &S::lanes},
                    Field{"events", &S::events},
                    Field{"kubernetes", &S::kubernetes}, Field{"findings", &S::findings},
                    Field{"errors", &S::errors}, Field{"config", &S::config});
}

}  // namespace caprock::api

namespace caprock {

constexpr auto fields(const Finding&) {
  using S = Finding;
  return std::tuple(api::Field{"id", &S::id}, api::Field{"severity", &S::severity},
                    api::Field{"found", &S::found}, api::Field{"consequence", &S::consequence},
                    api::Field{"remedy", &S::remedy});
}

}  // namespace caprock
