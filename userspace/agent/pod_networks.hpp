// SPDX-License-Identifier: Apache-2.0
// Which network namespaces are which pods'.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "agent/pod_processes.hpp"
#include "core/network_namespace.hpp"

namespace caprock::agent {

/// By the pod's uid.
using PodNetworkMap = std::map<std::string, ProcessNetwork>;

/// By the pod's uid: the id of the namespace that its link leads to (Device::lower_namespace);
/// -1: it is not known.
using PodsWithNetworks = std::map<std::string, std::int32_t>;

/// By the pods' processes. One of them may have made itself a namespace, as a container that runs
/// containers does: the pod's is that which its link leads to. Control-plane thread.
class PodNetworks {
 public:
  /// Those of `wanted` (pods that are not in the host's network), as far as they have processes. A
  /// pod keeps its namespace as long as one of them is in it, and its link leads there.
  void look(const PodsWithNetworks& wanted, const PodMap& pods, PodProcesses& processes);

  const PodNetworkMap& all() const { return networks_; }

 private:
  bool is_known(const std::string& uid, std::int32_t link_leads_to) const;

  PodNetworkMap networks_;
  PodsWithNetworks judged_by_;  // of those in networks_
};

}  // namespace caprock::agent
