// SPDX-License-Identifier: Apache-2.0
// Which links lead to which pods.
#pragma once

#include <cstdint>
#include <set>

#include "agent/pod_plan.hpp"
#include "agent/pod_processes.hpp"
#include "capture/device.hpp"

namespace caprock::agent {

/// By the network namespace of a pod's processes, else by the way to its address. Control-plane
/// thread.
class PodLinkFinder {
 public:
  /// Looks for links of pods, as long as there are some that lead to no pod known; drops those that
  /// are gone.
  void look(const PodMap& pods, const capture::DeviceMap& devices, PodProcesses& processes);

  /// Those of the links into other namespaces by which routers are reached.
  const std::set<std::uint32_t>& uplinks() const { return uplinks_; }

  /// Of each pod by its uid; no entry: none is known.
  const PodLinkMap& links() const { return links_; }

  /// Those that lead to a pod which is not known.
  std::set<std::uint32_t> unclaimed(const capture::DeviceMap& devices) const;

 private:
  using Uids = std::set<std::string>;
  void drop_gone(const PodMap& pods, const capture::DeviceMap& devices);
  void find_first(const PodMap& pods, const capture::DeviceMap& devices, PodProcesses& processes);
  void find_by_process(const Uids& uids, const PodMap& pods, const capture::DeviceMap& devices,
                       PodProcesses& processes);
  void find_by_address(const kubernetes::Pod& pod, const capture::DeviceMap& devices);

  void find_further(const capture::DeviceMap& devices);
  void find_uplinks();

  std::set<std::uint32_t> uplinks_;
  PodLinkMap links_;
};

}  // namespace caprock::agent
