// SPDX-License-Identifier: Apache-2.0
// The status as Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats,
// version 0.0.4.
#include <fmt/format.h>

#include "api/counter_fields.hpp"
#include "api/status.hpp"

namespace caprock::api {
namespace {

/// In a label's value backslash, quote and line feed are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

class MetricsText {
 public:
  /// Begins a metric; its samples follow.
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }

  template <class T>
  void sample(T value, std::string_view labels = {}) {
    text_ += labels.empty() ? fmt::format("{} {}\n", name_, value)
                            : fmt::format("{}{{{}}} {}\n", name_, labels, value);
  }

  template <class T>
  void gauge(std::string_view name, std::string_view help, T value) {
    begin(name, "gauge", help);
    sample(value);
  }

  template <class T>
  void counter(std::string_view name, std::string_view help, T value) {
    begin(name, "counter", help);
    sample(value);
  }

  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

double seconds(Nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e9;
}
double seconds(Time time) {
  return static_cast<double>(time.ns) / 1e9;
}

void agent(const AgentStatus& status, MetricsText& out) {
  out.begin("caprock_build_info", "gauge", "1, with the version as a label.");
  out.sample(1, fmt::format("version=\"{}\"", escaped(status.version)));
  out.gauge("caprock_start_time_seconds", "Start of the agent since the epoch.",
            seconds(status.started));
  out.gauge("caprock_capture_enabled", "1 while packets are being recorded.",
            status.capture.enabled ? 1 : 0);
  std::uint64_t errors = 0;
  for (const auto& error : status.errors)
    errors += error.count;
  out.counter("caprock_errors_total", "Errors reported since the start.", errors);
  out.gauge("caprock_config_reload_failed", "1 when the last reload was refused.",
            status.config.reload_error.empty() ? 0 : 1);
}

void interfaces(const std::vector<InterfaceStatus>& list, MetricsText& out) {
  for (const auto& field : kCounterFields) {
    out.begin(field.metric, "counter", field.help);
    for (const auto& interface : list) {
      const auto name = escaped(interface.name);
      const auto direction = [&](std::string_view text) {
        return fmt::format("interface=\"{}\",id=\"{}\",direction=\"{}\"", name, interface.id, text);
      };
      out.sample(interface.ingress.*field.member, direction("in"));
      out.sample(interface.egress.*field.member, direction("out"));
    }
  }
  out.begin("caprock_interface_attached", "gauge", "1 while the interface is being recorded.");
  for (const auto& interface : list)
    out.sample(interface.hook.empty() ? 0 : 1,
               fmt::format("interface=\"{}\",id=\"{}\"", escaped(interface.name), interface.id));
}

template <class Value>
void lane_metric(const std::vector<LaneStatus>& list, MetricsText& out, std::string_view name,
                 std::string_view type, std::string_view help, Value value) {
  out.begin(name, type, help);
  for (const auto& lane : list)
    out.sample(value(lane), fmt::format("lane=\"{}\"", lane.index));
}

void lanes(const std::vector<LaneStatus>& list, MetricsText& out) {
  lane_metric(list, out, "caprock_lane_bytes_total", "counter", "Bytes of blocks appended.",
              [](const LaneStatus& lane) { return lane.bytes; });
  lane_metric(list, out, "caprock_lane_runs_total", "counter", "Runs appended.",
              [](const LaneStatus& lane) { return lane.runs; });
  lane_metric(list, out, "caprock_lane_lag_seconds", "gauge",
              "How far the lane's complete-until is behind now.",
              [](const LaneStatus& lane) { return seconds(lane.lag); });
  lane_metric(list, out, "caprock_stage_used_bytes", "gauge", "Bytes waiting in the lane's stages.",
              [](const LaneStatus& lane) { return lane.stage_used_bytes; });
  lane_metric(list, out, "caprock_stage_capacity_bytes", "gauge", "Size of the lane's stages.",
              [](const LaneStatus& lane) { return lane.stage_capacity_bytes; });
}

void kubernetes(const KubernetesStatus& status, MetricsText& out) {
  if (!status.enabled) return;
  out.begin("caprock_kubernetes_pods", "gauge", "Pods of this node.");
  out.sample(status.pods);
  out.begin("caprock_kubernetes_targets", "gauge", "Pods of this node that are to be recorded.");
  out.sample(status.targets);
  out.begin("caprock_kubernetes_resource_synced", "gauge",
            "1: the resource has been listed and is followed.");
  for (const auto& resource : status.resources)
    out.sample(resource.synced && resource.error.empty() ? 1 : 0,
               fmt::format("resource=\"{}\"", resource.name));
  out.begin("caprock_kubernetes_requests_total", "counter", "Requests to the API server.");
  for (const auto& resource : status.resources)
    out.sample(resource.requests, fmt::format("resource=\"{}\"", resource.name));
  out.begin("caprock_kubernetes_received_bytes_total", "counter", "Bytes of the answers.");
  for (const auto& resource : status.resources)
    out.sample(resource.bytes, fmt::format("resource=\"{}\"", resource.name));
  out.begin("caprock_kubernetes_entries_recorded_total", "counter",
            "Entries of the Kubernetes layer in the record.");
  for (const auto& entry : status.entries)
    out.sample(entry.recorded, fmt::format("entry=\"{}\"", entry.name));
  out.begin("caprock_kubernetes_entries_suppressed_total", "counter",
            "Entries above the limit of their type.");
  for (const auto& entry : status.entries)
    out.sample(entry.suppressed, fmt::format("entry=\"{}\"", entry.name));
}

void events(const std::vector<EventStatus>& list, MetricsText& out) {
  struct Fate {
    std::string_view name, help;
    std::uint64_t EventStatus::*count;
  };
  constexpr Fate kFates[] = {
      {"caprock_os_events_recorded_total", "Events of the operating system in the record.",
       &EventStatus::recorded},
      {"caprock_os_events_suppressed_total", "Events above the limit of their type.",
       &EventStatus::suppressed},
      {"caprock_os_events_lost_total", "Events that found no room on the way to the agent.",
       &EventStatus::lost}};
  for (const Fate& fate : kFates) {
    out.begin(fate.name, "counter", fate.help);
    for (const auto& event : list)
      out.sample(event.*fate.count, fmt::format("event=\"{}\"", event.name));
  }
}

void ring(const RingStatus& status, MetricsText& out) {
  out.gauge("caprock_ring_size_bytes", "Size of the ring.", status.size_bytes);
  out.gauge("caprock_ring_used_bytes", "Of segments that hold a record.", status.used_bytes);
  out.counter("caprock_ring_laps_total", "Times the ring was filled.", status.laps);
  const auto& counts = status.segments;
  out.begin("caprock_ring_segments", "gauge", "Segments by state.");
  out.sample(counts.free, "state=\"free\"");
  out.sample(counts.ready, "state=\"ready\"");
  out.sample(counts.active, "state=\"active\"");
  out.sample(counts.sealing, "state=\"sealing\"");
  out.sample(counts.sealed, "state=\"sealed\"");
  out.sample(counts.bad, "state=\"bad\"");
  out.gauge("caprock_ring_oldest_timestamp_seconds", "Oldest packet since the epoch; 0: none.",
            seconds(status.oldest));
  out.gauge("caprock_ring_newest_timestamp_seconds", "Newest packet since the epoch; 0: none.",
            seconds(status.newest));
  out.gauge("caprock_ring_durable_until_timestamp_seconds",
            "Everything before it survives a power cut.", seconds(status.durable_until));
  out.gauge("caprock_ring_complete_until_timestamp_seconds", "Everything before it is in the ring.",
            seconds(status.complete_until));
  out.gauge("caprock_ring_history_seconds", "Time between oldest and newest packet.",
            seconds(status.history));
}

}  // namespace

std::string metrics_text(const AgentStatus& status) {
  MetricsText out;
  agent(status, out);
  ring(status.ring, out);
  interfaces(status.interfaces, out);
  lanes(status.lanes, out);
  events(status.events, out);
  kubernetes(status.kubernetes, out);
  return std::move(out).text();
}

}  // namespace caprock::api
