// SPDX-License-Identifier: Apache-2.0
// Which network namespaces are which pods'.
#pragma once

#include <map>
#include <set>
#include <string>

#include "agent/pod_processes.hpp"
#include "core/network_namespace.hpp"

namespace caprock::agent {

/// By the pod's uid.
using PodNetworkMap = std::map<std::string, ProcessNetwork>;

/// By the pods' processes. Control-plane thread.
class PodNetworks {
 public:
  /// Those of `uids` (pods that are not in the host's network), as far as they have processes. A
  /// pod keeps its namespace as long as one of them is in it.
  void look(const std::set<std::string>& uids, const PodMap& pods, PodProcesses& processes);

  const PodNetworkMap& all() const { return networks_; }

 private:
  PodNetworkMap networks_;
};

}  // namespace caprock::agent
