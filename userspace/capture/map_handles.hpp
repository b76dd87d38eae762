// SPDX-License-Identifier: Apache-2.0
// Typed writes to the maps that steer the programs while they run (bpf/abi/filter.h).
#pragma once

#include <cstdint>
#include <set>

#include "abi/filter.h"
#include "abi/generation.h"

#include "capture/bpf_map.hpp"
#include "capture/generation.hpp"
#include "core/interface_list.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Map `settings`. Its one writer is the control plane, so read-change-write is safe.
class SettingsMap {
 public:
  explicit SettingsMap(const Generation& generation) : SettingsMap(generation.map_fd("settings")) {}
  explicit SettingsMap(int fd) : map_("settings", fd) {}

  Result<capture_settings> read() const;
  Status write(const capture_settings& settings) const;

  /// Wall minus monotonic time, of the packets from now on. Leaves the rest of the settings alone.
  Status write_wall_offset(std::int64_t wall_offset_ns) const;

  /// UDP ports of overlays whose devices are recorded, of which the map takes
  /// CAPROCK_TUNNEL_PORTS. Leaves the rest alone.
  Status write_tunnel_ports(const std::set<std::uint16_t>& ports) const;

 private:
  BpfMap map_;
};

/// Maps `if_policy` and `if_policy_low`.
class PolicyMap {
 public:
  explicit PolicyMap(const Generation& generation)
      : all_("if_policy", generation.map_fd("if_policy")),
        low_("if_policy_low", generation.map_fd("if_policy_low")) {}

  Status set(std::uint32_t ifindex, const interface_policy& policy) const;
  Status remove(std::uint32_t ifindex) const;  // one that is not there is no error
  Result<std::set<std::uint32_t>> ifindexes() const;

 private:
  BpfMap all_;
  BpfMap low_;
};

/// Map `pod_ends`.
class PodEndMap {
 public:
  explicit PodEndMap(const Generation& generation)
      : map_("pod_ends", generation.map_fd("pod_ends")) {}

  Status set(const pod_end& end, std::uint32_t link) const;
  Status remove(const pod_end& end) const;  // one that is not there is no error

  /// All but those of `links`.
  Status remove_others(const std::set<std::uint32_t>& links) const;

 private:
  BpfMap map_;
};

/// Map `ring_base`. Agents before this version made none.
class RingBaseMap {
 public:
  explicit RingBaseMap(const Generation& generation)
      : map_("ring_base", generation.map_fd("ring_base")) {}

  /// A base that cannot be told where there is none.
  ring_base read() const;
  Status write(const ring_base& base) const;

 private:
  BpfMap map_;
};

/// Map `if_record`: what the interface ids of a generation's blocks mean.
class InterfaceRecordMap {
 public:
  explicit InterfaceRecordMap(const Generation& generation)
      : map_("if_record", generation.map_fd("if_record")) {}

  /// Names and descriptions that are too long are cut off.
  Status set(std::uint32_t id, const InterfaceRecord& record) const;

  /// Up to the highest id.
  Result<InterfaceList> list() const;

 private:
  BpfMap map_;
};

}  // namespace caprock::capture
