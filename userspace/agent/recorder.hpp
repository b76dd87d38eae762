// SPDX-License-Identifier: Apache-2.0
// The recording machine: programs in the kernel, lanes, ring, and what ties them together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/lane.hpp"
#include "capture/counters.hpp"
#include "capture/map_handles.hpp"
#include "capture/packet_source.hpp"
#include "capture/programs.hpp"
#include "config/config.hpp"
#include "core/interface_list.hpp"
#include "core/result.hpp"
#include "store/ring.hpp"

namespace caprock::agent {

/// Loads the programs, opens the ring and runs the lanes from create() to stop(). Nothing is
/// attached here: that is the interface follower's. Control-plane thread.
class Recorder {
 public:
  static Result<std::unique_ptr<Recorder>> create(const config::Config& config,
                                                  const std::string& node);
  ~Recorder();

  /// Every lane's segments describe `list` when this returns: its ids may now be given to the
  /// programs.
  void set_interfaces(const SharedInterfaceList& list);

  /// The wall clock was set.
  Status set_wall_offset(std::int64_t wall_offset_ns);

  /// Takes what is in the stages, seals and syncs the ring. The programs must have been detached
  /// before.
  Status stop();

  const capture::Programs& programs() const { return *programs_; }
  const capture::Counters& counters() const { return counters_; }
  const capture::SettingsMap& settings() const { return settings_; }
  const std::vector<std::unique_ptr<Lane>>& lanes() const { return lanes_; }
  store::Ring& ring() const { return *ring_; }

 private:
  Recorder(std::unique_ptr<store::Ring> ring, std::unique_ptr<capture::Programs> programs,
           capture::Counters counters);
  Status start_lanes(unsigned count, std::int64_t wall_offset_ns);

  // In the order of construction: lanes use sources and the ring's lane writers, sources the
  // programs' maps.
  std::unique_ptr<store::Ring> ring_;
  std::unique_ptr<capture::Programs> programs_;
  capture::Counters counters_;
  capture::SettingsMap settings_;
  std::vector<std::unique_ptr<capture::PacketSource>> sources_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

/// Lanes for so many CPUs: one per 8, unless configured, and never more than an eighth of the
/// segments.
unsigned lane_count(unsigned configured, unsigned cpus, std::uint64_t segments);

}  // namespace caprock::agent
