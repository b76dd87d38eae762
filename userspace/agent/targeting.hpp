// SPDX-License-Identifier: Apache-2.0
// What is recorded where, in step with pods, links and the capture filter.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "agent/cluster.hpp"
#include "agent/interface_follower.hpp"
#include "agent/pod_link_finder.hpp"
#include "agent/pod_networks.hpp"
#include "agent/pod_plan.hpp"
#include "agent/pod_processes.hpp"
#include "agent/shared_devices.hpp"
#include "core/clock.hpp"
#include "filter/pod_filter.hpp"

namespace caprock::agent {

/// Control-plane thread.
class Targeting {
 public:
  Targeting(filter::PodFilter filter, bool loopbacks)
      : filter_(std::move(filter)), loopbacks_(loopbacks) {}

  /// `loopbacks`: those of the targets are recorded, too.
  void set(filter::PodFilter filter, bool loopbacks) {
    filter_ = std::move(filter);
    loopbacks_ = loopbacks;
  }
  const filter::PodFilter& filter() const { return filter_; }

  /// Looks for links, and plans anew. `appeared_ns`: as InterfaceFollower's.
  void update(const Cluster& cluster, const capture::DeviceMap& devices,
              const std::function<std::int64_t(std::uint32_t)>& appeared_ns);

  const PodPlan& plan() const { return plan_; }

  /// There is a link of which nobody knows yet whose it is: update again soon.
  bool waits() const { return waits_; }

 private:
  PodsWithNetworks with_networks(const PodMap& pods, const capture::DeviceMap& devices) const;
  std::int32_t namespace_behind(const std::string& uid, const capture::DeviceMap& devices) const;
  PodsWithNetworks with_addresses(const PodMap& pods, const capture::DeviceMap& devices) const;
  std::int64_t grace(const Cluster& cluster, std::int64_t now_ns);

  filter::PodFilter filter_;
  bool loopbacks_;
  PodProcesses processes_;
  PodLinkFinder finder_;
  PodNetworks networks_;
  SharedDevices shared_;
  PodPlan plan_;
  bool waits_ = false;
  const std::int64_t started_ns_ = monotonic_ns();
  std::int64_t unfollowed_ns_ = started_ns_;  // when the pods were not followed last
};

}  // namespace caprock::agent
