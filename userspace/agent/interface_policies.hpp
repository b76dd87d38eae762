// SPDX-License-Identifier: Apache-2.0
// What the programs are told of the host's devices, so far as it changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "abi/filter.h"

#include "agent/recorder.hpp"
#include "capture/map_handles.hpp"
#include "core/interface_list.hpp"
#include "core/result.hpp"

namespace caprock::agent {

/// Policies of devices that are recorded and of those above them, what interface ids mean, and the
/// ports of overlays. Only what is different is written. Control-plane thread.
class InterfacePolicies {
 public:
  explicit InterfacePolicies(Recorder& recorder);

  /// Of a device that is recorded; `record` is what the policy's id means.
  Status set(std::uint32_t ifindex, const interface_policy& policy, const InterfaceRecord& record);

  /// It is recorded no more.
  Status remove(std::uint32_t ifindex);

  /// That it means nothing is known to the next agent, too.
  Status vacate(std::uint32_t id) const;

  /// Devices that only have a policy: bridges and the like, where nothing is attached. That packets
  /// came by them says that they were met on a port. What fails is in the log, and tried again by
  /// the next call. `recorded`: those that are, whose policies are their own.
  void set_covered(std::set<std::uint32_t> covered, const std::set<std::uint32_t>& recorded);

  /// Of overlays, whose outside is left out.
  void set_tunnel_ports(std::set<std::uint16_t> ports);

  /// Of devices that went while no agent ran: an ifindex may come again.
  void remove_stale(const std::set<std::uint32_t>& recorded) const;

 private:
  Recorder* recorder_;
  capture::PolicyMap policies_;
  capture::InterfaceRecordMap records_;
  std::map<std::uint32_t, interface_policy> in_force_;   // by ifindex: of what is recorded
  std::set<std::uint32_t> covered_;                      // ifindexes
  std::optional<std::set<std::uint16_t>> tunnel_ports_;  // in force; not known at first
};

}  // namespace caprock::agent
