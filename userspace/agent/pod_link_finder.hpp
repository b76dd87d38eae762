// SPDX-License-Identifier: Apache-2.0
// Which links lead to which pods.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/pod_plan.hpp"
#include "agent/pod_processes.hpp"
#include "capture/device.hpp"

namespace caprock::agent {

/// By the network namespace of a pod's processes, else by the way to its address. An address may be
/// another pod's by now, so what was found by it gives way to what processes say later; and of a
/// pod that is being deleted it is not asked for. Control-plane thread.
class PodLinkFinder {
 public:
  /// Looks for links of pods, as long as there are some that lead to no pod known, or to one that
  /// only an address names; drops those that are gone.
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
  void take(const std::string& uid, const std::vector<std::uint32_t>& links);
  void drop_empty();

  void find_further(const capture::DeviceMap& devices);
  void find_uplinks();

  std::set<std::uint32_t> uplinks_;
  std::set<std::uint32_t> free_before_;  // unclaimed at the last look
  PodLinkMap links_;
  Uids by_address_;  // of those in links_: no process has confirmed it
};

}  // namespace caprock::agent
