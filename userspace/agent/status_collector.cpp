// SPDX-License-Identifier: Apache-2.0
#include "agent/status_collector.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "capture/cpu_slots.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"

namespace caprock::agent {
namespace {

using capture::operator+;
using store::SegmentState;

capture_counters total(const std::vector<api::InterfaceStatus>& interfaces) {
  capture_counters sum{};
  for (const auto& interface : interfaces)
    sum = sum + interface.ingress + interface.egress;
  return sum;
}

api::SegmentCounts segment_counts(const store::RingStatus& ring) {
  const auto count = [&](SegmentState state) {
    return ring.segments[static_cast<std::size_t>(state)];
  };
  return {count(SegmentState::kFree),    count(SegmentState::kReady),  count(SegmentState::kActive),
          count(SegmentState::kSealing), count(SegmentState::kSealed), count(SegmentState::kBad)};
}

// What the whole ring holds at the present rate of bytes; zero when nothing is coming in.
Nanoseconds full_history(std::uint64_t ring_bytes, double bytes_per_second) {
  constexpr double kLongest = 100.0 * 365 * 86400;
  if (bytes_per_second < 1) return Nanoseconds(0);
  const double seconds = std::min(static_cast<double>(ring_bytes) / bytes_per_second, kLongest);
  return std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace

StatusCollector::StatusCollector(const Recorder& recorder, const InterfaceFollower& follower,
                                 const EventRecorder& events, const PodFollower* pods)
    : recorder_(recorder),
      follower_(follower),
      events_(events),
      pods_(pods),
      started_ns_(wall_ns()),
      started_monotonic_ns_(monotonic_ns()),
      before_(total(follower.status())) {
  sample();
}

void StatusCollector::sample() {
  const capture_counters sum = total(follower_.status());
  rates_.add({.time_ns = monotonic_ns(),
              .packets = sum.written,
              .bytes = sum.captured_bytes,
              .lost = sum.lost});
}

api::AgentStatus StatusCollector::collect(const StatusContext& context) const {
  const std::int64_t now_ns = wall_ns();
  api::AgentStatus status;
  status.version = CAPROCK_VERSION;
  status.node = context.node;
  status.pid = getpid();
  status.now = {now_ns};
  status.started = {started_ns_};
  status.uptime = Nanoseconds(monotonic_ns() - started_monotonic_ns_);
  status.capture.enabled = context.enabled;
  status.capture.hook = follower_.hook();
  status.capture.transport =
      recorder_.programs().transport() == capture::Transport::kStage ? "stage" : "ringbuf";
  status.capture.resumed = recorder_.resumed();
  status.capture.stage_bytes =
      recorder_.programs().geometry().cpus * recorder_.programs().geometry().cpu_bytes();
  status.rates = rates_.rates();
  status.interfaces = follower_.status();
  status.loss = loss(status.interfaces);
  std::erase_if(status.interfaces, [](const auto& interface) { return interface.name.empty(); });
  status.ring = ring(status.rates);
  status.lanes = lanes(now_ns);
  status.events = events();
  if (pods_ != nullptr) status.kubernetes = pods_->status();
  status.findings = context.findings;
  tell_new_cpus(status.findings);
  status.errors = reported_errors();
  status.config = context.config;
  return status;
}

/// The maps have a place for those that were online when they were made.
void StatusCollector::tell_new_cpus(Findings& findings) const {
  const auto online = capture::count_cpu_slots();
  const unsigned known = recorder_.programs().geometry().cpus;
  if (!online || *online <= known) return;
  findings.push_back({.id = "cpus.online",
                      .severity = Severity::kWarning,
                      .found = fmt::format("CPUs {} to {} came online after the agent's start",
                                           known, *online - 1),
                      .consequence = "what they handle is lost, and counted as that",
                      .remedy = "restart the agent"});
}

std::vector<api::EventStatus> StatusCollector::events() const {
  std::vector<api::EventStatus> all;
  for (const auto& event : events_.status()) {
    all.push_back({.name = event.name,
                   .hook = event.hook,
                   .note = event.reason,
                   .recorded = event.recorded,
                   .suppressed = event.suppressed,
                   .lost = event.lost});
  }
  return all;
}

api::LossStatus StatusCollector::loss(const std::vector<api::InterfaceStatus>& interfaces) const {
  const capture_counters sum = total(interfaces);
  return {.total = sum.lost,
          .since_start = sum.lost - before_.lost,
          .last_minute = rates_.lost_in_last_minute(),
          .truncated_since_start = sum.truncated - before_.truncated};
}

api::RingStatus StatusCollector::ring(const api::Rates& rates) const {
  const store::RingStatus ring = recorder_.ring().status();
  api::RingStatus status;
  status.path = ring.path;
  status.size_bytes = ring.size_bytes;
  status.used_bytes = ring.used_bytes;
  status.segment_bytes = ring.segment_bytes;
  status.segments = segment_counts(ring);
  status.oldest = {ring.oldest_ns};
  status.newest = {ring.newest_ns};
  status.history = Nanoseconds(std::max<std::int64_t>(0, ring.newest_ns - ring.oldest_ns));
  status.history_at_present_rate = full_history(ring.size_bytes, rates.bytes_per_second);
  status.complete_until = {ring.complete_until_ns};
  status.durable_until = {ring.durable_until_ns};
  status.laps = ring.laps;
  status.recovery = recorder_.ring().recovery().notes;
  return status;
}

std::vector<api::LaneStatus> StatusCollector::lanes(std::int64_t now_ns) const {
  const store::RingStatus ring = recorder_.ring().status();
  const unsigned cpus = recorder_.programs().geometry().cpus;
  std::vector<api::LaneStatus> list(recorder_.lanes().size());
  for (unsigned i = 0; i < list.size(); ++i) {
    const Lane& lane = *recorder_.lanes()[i];
    list[i].index = i;
    for (unsigned cpu = i; cpu < cpus; cpu += static_cast<unsigned>(list.size()))
      list[i].cpus.push_back(cpu);
    list[i].runs = ring.lanes[i].runs;
    list[i].bytes = ring.lanes[i].bytes;
    list[i].complete_until = {ring.lanes[i].complete_until_ns};
    list[i].lag = Nanoseconds(now_ns - ring.lanes[i].complete_until_ns);
    list[i].stage_used_bytes = lane.lag_bytes();
    list[i].stage_capacity_bytes = lane.capacity_bytes();
  }
  return list;
}

}  // namespace caprock::agent
