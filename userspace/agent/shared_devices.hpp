// SPDX-License-Identifier: Apache-2.0
// What addresses pods have besides those that Kubernetes tells, where the host's devices carry
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/cluster.hpp"
#include "agent/pod_networks.hpp"

namespace caprock::agent {

/// By the pod's uid, without those that Kubernetes tells; no entry: it has none.
using SharedAddressMap = std::map<std::string, std::vector<std::string>>;

/// Of macvlan, ipvlan and VLAN devices that a CNI has put into pods, as Multus does it for further
/// networks: what a pod says there passes a NIC that many share, and no link of the pod's own.
/// Control-plane thread.
class SharedDevices {
 public:
  /// Of these pods, and no others any more. What was read a moment ago is not read again.
  void look(const PodsWithNetworks& wanted, const PodMap& pods, std::int64_t now_ns);

  const SharedAddressMap& addresses() const { return addresses_; }

 private:
  struct Read {
    std::int32_t of_namespace = -1;
    std::int64_t when_ns = 0;  // monotonic
  };

  std::map<std::string, Read> read_;  // by the pod's uid
  SharedAddressMap addresses_;
};

}  // namespace caprock::agent
