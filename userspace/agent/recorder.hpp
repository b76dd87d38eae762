// SPDX-License-Identifier: Apache-2.0
// The recording machine: programs in the kernel, lanes, ring, and what ties them together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/lane.hpp"
#include "capture/counters.hpp"
#include "capture/map_handles.hpp"
#include "capture/packet_source.hpp"
#include "capture/pinned_generation.hpp"
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
  /// `locked` is called once no other agent has the ring, before anything of this one is in the
  /// kernel.
  static Result<std::unique_ptr<Recorder>> create(
      const config::Config& config, const std::string& node,
      const std::function<void()>& locked = [] {});
  ~Recorder();

  /// Every lane's segments describe `list` when this returns: its ids may now be given to the
  /// programs.
  void set_interfaces(const SharedInterfaceList& list);

  /// Where the wall clock has been set, the programs and the lanes go by the new time from here on.
  /// That takes some ms, and up to 10 s while a disk takes nothing. Call it when the clock is set,
  /// and now and then.
  Status follow_clock();

  /// Lanes empty these from now on, too; what is returned names them.
  std::vector<const capture::PacketSource*> add_sources(
      std::vector<std::unique_ptr<capture::PacketSource>> sources);

  /// Takes all that they hold, and destroys them. What fills them has ended.
  void finish_sources(const std::vector<const capture::PacketSource*>& sources);

  /// Called with each new relation of wall to monotonic time, while the lanes hold: what sources
  /// come to hold from then on is to go by it.
  void on_new_clock(std::function<void(std::int64_t wall_offset_ns)> follow) {
    clock_followers_.push_back(std::move(follow));
  }
  std::int64_t wall_offset() const { return wall_offset_ns_; }

  /// Of mirror ports that have no socket now, by all ids that they have had: counts what was on its
  /// way to one and has not come as lost, and tells by a journal entry each what no packet told.
  void tell_redirected_losses(const std::vector<std::uint32_t>& interface_ids);

  /// Lets go of what agents before left, once it is taken. Call now and then, when every device has
  /// the programs of this agent.
  void drop_predecessors();

  /// Takes what is in the stages, seals and syncs the ring. kAll: the programs have been detached,
  /// and the pins go. kPresent: they go on, and what they record from now on is the next agent's.
  Status stop(Drain drain);

  /// The ids that blocks in the stages may carry from before this agent.
  const InterfaceList& known_interfaces() const { return known_interfaces_; }

  /// Where the links are to be pinned. Empty: nowhere, as nothing is.
  const std::filesystem::path& pin_directory() const { return pin_directory_; }

  /// Bytes that the programs had recorded while no agent ran.
  std::uint64_t resumed_bytes() const { return resumed_bytes_; }

  /// Whether there were maps of an agent before.
  bool resumed() const { return resumed_; }

  const capture::Programs& programs() const { return *programs_; }
  const capture::Counters& counters() const { return counters_; }
  const capture::SettingsMap& settings() const { return settings_; }
  const std::vector<std::unique_ptr<Lane>>& lanes() const { return lanes_; }
  store::Ring& ring() const { return *ring_; }

 private:
  Recorder(std::unique_ptr<store::Ring> ring, std::unique_ptr<capture::Programs> programs,
           capture::Counters counters);
  void open_predecessors();
  Status know_interfaces();
  Status make_sources();
  std::vector<const capture::PacketSource*> sources_of(const capture::Generation& generation) const;
  Status add_sources(const capture::Generation& generation);
  Status find_ring_base();
  std::optional<std::uint64_t> recorded_packets() const;
  void tell_end(const capture::Counters& counters, std::optional<std::uint64_t> recorded);
  void end_predecessor(const capture::PinnedGeneration& predecessor);
  void tell(const std::vector<std::byte>& entries);
  std::optional<std::int64_t> found_offset() const;
  Status start_lanes(unsigned count, std::int64_t opened_with);
  Status write_wall_offset(std::int64_t wall_offset_ns) const;
  Status set_wall_offset(std::int64_t wall_offset_ns);
  Lane& lane_of(const capture::PacketSource& source);

  // In the order of construction: lanes use sources and the ring's lane writers, sources the
  // programs' maps.
  std::unique_ptr<store::Ring> ring_;
  std::unique_ptr<capture::Programs> programs_;
  capture::Counters counters_;
  capture::SettingsMap settings_;
  capture::RingBaseMap ring_base_;
  std::filesystem::path pin_directory_;
  std::vector<capture::PinnedGeneration> predecessors_;
  InterfaceList known_interfaces_;
  SharedInterfaceList interfaces_;   // of the lanes
  std::int64_t wall_offset_ns_ = 0;  // that the programs go by
  std::vector<std::function<void(std::int64_t)>> clock_followers_;
  std::uint64_t resumed_bytes_ = 0;
  bool resumed_ = false;
  bool gave_up_ = false;  // what an agent before left
  std::vector<std::unique_ptr<capture::PacketSource>> sources_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

/// Lanes for so many CPUs: one per 8, unless configured, and never more than an eighth of the
/// segments.
unsigned lane_count(unsigned configured, unsigned cpus, std::uint64_t segments);

}  // namespace caprock::agent
