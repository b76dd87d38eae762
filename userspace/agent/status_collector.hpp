// SPDX-License-Identifier: Apache-2.0
// Puts the status document together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/counters.h"

#include "agent/event_recorder.hpp"
#include "agent/interface_follower.hpp"
#include "agent/pod_follower.hpp"
#include "agent/rate_meter.hpp"
#include "agent/recorder.hpp"
#include "api/status.hpp"
#include "core/finding.hpp"

namespace caprock::agent {

/// What does not come from counters.
struct StatusContext {
  std::string node;
  bool enabled = true;
  api::ConfigStatus config;
  Findings findings;
};

/// Control-plane thread.
class StatusCollector {
 public:
  StatusCollector(const Recorder& recorder, const InterfaceFollower& follower,
                  const EventRecorder& events, const PodFollower* pods);

  /// Takes a sample for rates and the loss of the last minute. Call every second.
  void sample();

  api::AgentStatus collect(const StatusContext& context) const;

 private:
  void tell_new_cpus(Findings& findings) const;
  api::LossStatus loss(const std::vector<api::InterfaceStatus>& interfaces) const;
  api::RingStatus ring(const api::Rates& rates) const;
  std::vector<api::LaneStatus> lanes(std::int64_t now_ns) const;
  std::vector<api::EventStatus> events() const;

  const Recorder& recorder_;
  const InterfaceFollower& follower_;
  const EventRecorder& events_;
  const PodFollower* pods_;  // null: not on Kubernetes
  const std::int64_t started_ns_;
  const std::int64_t started_monotonic_ns_;
  const capture_counters before_;  // what the programs had counted when this agent came
  RateMeter rates_;
};

}  // namespace caprock::agent
