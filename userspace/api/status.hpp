// SPDX-License-Identifier: Apache-2.0
// The status document of an agent: what GET /api/v1/status says. Every field is explained in
// docs/status.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/counters.h"

#include "api/targets.hpp"
#include "api/time.hpp"
#include "core/finding.hpp"
#include "core/log.hpp"
#include "core/quantity.hpp"

namespace caprock::api {

/// Whether and how packets are being recorded.
struct CaptureStatus {
  bool enabled = false;           // tap.capture.raw.enabled
  std::string hook;               // in use: "tcx", "clsact", "xdp+tcx", "xdp+clsact"
  std::string transport;          // in use: "stage", "ringbuf"
  std::uint64_t stage_bytes = 0;  // of all CPUs together
  bool resumed =
      false;  // a predecessor's programs were taken over: no packet between the two is missing
};

/// One interface of the record, by direction as the host sees it.
struct InterfaceStatus {
  std::uint32_t id = 0;     // of its IDB in the ring
  std::uint32_t index = 0;  // the kernel's ifindex; 0: gone
  std::string name;
  std::string description;
  std::string hook;   // as in CaptureStatus; empty: not attached
  std::string error;  // why it is not attached, or only partly; empty: all well
  capture_counters ingress{};
  capture_counters egress{};
};

/// One worker thread and the sources it empties.
struct LaneStatus {
  unsigned index = 0;
  std::vector<unsigned> cpus;
  std::uint64_t runs = 0;   // appended since start
  std::uint64_t bytes = 0;  // of blocks, since start
  Time complete_until;      // everything before it is in the ring
  Nanoseconds lag{0};       // how far complete_until is behind now
  std::uint64_t stage_used_bytes = 0;
  std::uint64_t stage_capacity_bytes = 0;
};

/// Packets that the filter chose and that are not in the ring (stage full).
struct LossStatus {
  std::uint64_t total = 0;  // since the programs were loaded, agents before this one included
  std::uint64_t since_start = 0;
  std::uint64_t last_minute = 0;
  std::uint64_t truncated_since_start = 0;  // recorded, but shortened because the stage was filling
};

/// Means over the last ten seconds (fewer right after the start).
struct Rates {
  double packets_per_second = 0;  // recorded
  double bytes_per_second = 0;    // captured bytes of them
  double lost_per_second = 0;
};

struct SegmentCounts {
  std::uint64_t free = 0;
  std::uint64_t ready = 0;
  std::uint64_t active = 0;
  std::uint64_t sealing = 0;
  std::uint64_t sealed = 0;
  std::uint64_t bad = 0;
};

struct RingStatus {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t segment_bytes = 0;
  SegmentCounts segments;
  Time oldest;
  Time newest;
  Nanoseconds history{0};  // newest - oldest
  Nanoseconds history_at_present_rate{
      0};  // what the whole ring would hold; 0: nothing is coming in
  Time complete_until;
  Time durable_until;
  std::uint64_t laps = 0;
  std::vector<std::string> recovery;  // what opening the ring found, one line each
};

/// Events of the operating system, by type (agent.os.events).
struct EventStatus {
  std::string name;
  std::string hook;              // empty: it is not recorded
  std::string note;              // why not
  std::uint64_t recorded = 0;    // since the agent's start, as all here
  std::uint64_t suppressed = 0;  // above the limit
  std::uint64_t lost = 0;        // no room on the way to the agent
};

/// Entries of the Kubernetes layer, by type.
struct EntryStatus {
  std::string name;
  std::uint64_t recorded = 0;    // since the agent's start, as all here
  std::uint64_t suppressed = 0;  // above the limit
};

/// What is followed of the cluster; caprock targets says more of the pods.
struct KubernetesStatus {
  bool enabled = false;  // agent.kubernetes.enabled
  std::string node;      // this one, in the cluster
  std::uint64_t pods = 0;
  std::uint64_t targets = 0;  // of them
  std::vector<WatchedResource> resources;
  std::vector<EntryStatus> entries;
  std::vector<std::string> notes;  // what does not hold at the moment, one line each
};

/// The configuration in force.
struct ConfigStatus {
  std::string file;  // empty: defaults and --set only
  Time loaded;
  std::vector<std::string> notes;  // deprecated spellings and the like
  std::string reload_error;        // why the last reload was refused; empty: it was not
};

struct AgentStatus {
  std::string version;
  std::string node;
  std::int64_t pid = 0;
  Time now;
  Time started;
  Nanoseconds uptime{0};
  CaptureStatus capture;
  Rates rates;
  LossStatus loss;
  RingStatus ring;
  std::vector<InterfaceStatus> interfaces;
  std::vector<LaneStatus> lanes;
  std::vector<EventStatus> events;  // empty: agent.os.enabled is not set
  KubernetesStatus kubernetes;
  Findings
      findings;  // kernel features and the like, found and missing, as `caprock doctor` says it
  std::vector<DistinctError> errors;  // since start, latest first
  ConfigStatus config;
};

/// The document as JSON, indented.
std::string to_json_text(const AgentStatus& status);

/// Fields that are not there keep their defaults, so that a client understands an agent of another
/// version.
Result<AgentStatus> parse_status(std::string_view json);

/// Findings alone, as `caprock doctor -o json` prints them.
std::string to_json_text(const Findings& findings);

/// For people: several lines, the interfaces and lanes as tables.
std::string status_table(const AgentStatus& status);

/// For people: one line of packets/s, bytes/s, lost, history and ring use, without a line feed.
std::string status_line(const AgentStatus& status);

/// For people: one block a finding, the worst first.
std::string findings_table(const Findings& findings);

/// The Prometheus text format, version 0.0.4.
std::string metrics_text(const AgentStatus& status);

}  // namespace caprock::api
