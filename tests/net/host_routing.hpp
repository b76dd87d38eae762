// SPDX-License-Identifier: Apache-2.0
// A CNI that routes around the host's stack (host_routing.bpf.c).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/fd.hpp"

struct host_routing_bpf;

namespace caprock::test {

/// On the ingress of links, behind the programs that capture. It goes with the links.
class HostRouting {
 public:
  HostRouting();
  HostRouting(const HostRouting&) = delete;
  HostRouting& operator=(const HostRouting&) = delete;
  ~HostRouting();

  void attach(const std::string& device) const;

  /// On what the pod sends behind a netkit, of which the device is the host's end.
  void attach_netkit(const std::string& device);
  void route_into_pod(const std::string& address, const std::string& link) const;
  void route_out(const std::string& address, const std::string& nic) const;

  /// That went past the stack.
  std::uint64_t packets() const;

 private:
  void route(const std::string& address, const std::string& device, bool to_pod) const;

  host_routing_bpf* skeleton_;
  std::vector<Fd> links_;
};

}  // namespace caprock::test
