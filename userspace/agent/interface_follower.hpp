// SPDX-License-Identifier: Apache-2.0
// Keeps the programs attached to the devices that are to be recorded, as these come, change and go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/interface_policies.hpp"
#include "agent/interface_table.hpp"
#include "agent/mirror_ports.hpp"
#include "agent/pod_ends.hpp"
#include "agent/recorder.hpp"
#include "api/status.hpp"
#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/interface_selection.hpp"
#include "capture/mirror_port.hpp"
#include "capture/pod_programs.hpp"
#include "capture/promiscuous_mode.hpp"
#include "core/network_namespace.hpp"
#include "core/result.hpp"

namespace caprock::agent {

/// How much of what the filter lets through is recorded on a device.
enum class Extent { kNothing, kTargets, kEverything };

/// What is known of one device.
struct DeviceWish {
  Extent extent = Extent::kEverything;
  bool pod_link = false;    // it leads to one pod
  std::string description;  // in the file; empty: kind and Ethernet address
  /// Its other end is in there, and what comes in for the pod past the link is recorded at that.
  std::optional<ProcessNetwork> pod_end = {};

  bool operator==(const DeviceWish&) const = default;
};

/// A pod of which the loopback is recorded.
struct PodLoopback {
  ProcessNetwork network;
  std::string description;  // in the file

  bool operator==(const PodLoopback&) const = default;
};

/// What is wanted of the host's devices. Changes live.
struct FollowerSettings {
  capture::InterfaceWishes wishes;
  interface_mode mode = INTERFACE_ALL;  // the filter's
  bool enabled = true;                  // false: nothing is attached
  std::uint64_t mirror_bytes = 0;       // memory of each mirror port's sockets
  bool mirror_busy_poll = false;

  /// Packets that the host forwards are recorded on one of their devices (bpf/lib/once.bpf.h); the
  /// programs have to be loaded for it.
  bool once = false;
  std::map<std::uint32_t, DeviceWish> devices = {};  // by ifindex
  /// Of devices without a wish, but for those that lead into another network namespace: a new pod's
  /// is recorded whole until somebody knows it.
  Extent others = Extent::kEverything;
  std::map<std::uint32_t, PodLoopback> loopbacks = {};  // by the inode of the network namespace

  bool operator==(const FollowerSettings&) const = default;
};

/// A device's packets carry its interface id only after every lane's segments describe it: the
/// order is id, segments, policy, attachment. A device with another name or description gets a new
/// id and stays attached; so does one of which nothing is wanted.
/// Control-plane thread.
class InterfaceFollower {
 public:
  static Result<InterfaceFollower> create(Recorder& recorder, std::filesystem::path pin_directory,
                                          FollowerSettings settings);

  /// Readable when devices have changed: call read_events().
  int fd() const { return monitor_.fd(); }
  void read_events();

  /// Only policies that change are written.
  void set(FollowerSettings settings);
  const FollowerSettings& settings() const { return settings_; }

  /// The devices as of the last read_events().
  const capture::DeviceMap& devices() const { return monitor_.devices(); }

  /// Monotonic time when the device was first seen; 0: it was there before.
  std::int64_t appeared_ns(std::uint32_t ifindex) const;

  /// Attaches anew what somebody else has detached, and tries again what failed: attaching, reading
  /// the devices. Call every second or two.
  void repair();

  /// Whether no device has a program of an agent before any more.
  bool replaced_all() const { return !leftovers_; }

  /// Detaches everything.
  void stop();

  /// Leaves everything attached for the next agent, and follows no more.
  void keep();

  std::string hook() const;  // "tcx", "clsact", "xdp + tcx"
  std::vector<api::InterfaceStatus> status() const;

 private:
  struct Recorded {
    capture::SelectedDevice selected;
    InterfaceRecord record;
    std::uint32_t id = 0;
    std::optional<capture::DeviceAttachment> attachment;
    std::string error;      // why there is none
    std::uint8_t port = 0;  // number of the mirror port, 0: it is none
    std::optional<capture::PromiscuousMode> promiscuous = {};  // of a port
  };

  InterfaceFollower(Recorder& recorder, capture::DeviceMonitor monitor,
                    capture::AttachOptions attach_options, FollowerSettings settings);

  bool apply();
  void remove_leftovers();
  std::set<std::uint32_t> recorded_ifindexes() const;
  void tell_unmatched(std::vector<std::string> unmatched);
  void drop_unselected(const std::map<std::uint32_t, capture::SelectedDevice>& selected);
  void add_selected(const std::map<std::uint32_t, capture::SelectedDevice>& selected);
  bool assign_id(std::uint32_t ifindex, const capture::SelectedDevice& selected);
  std::optional<std::uint32_t> acquire_id(const InterfaceRecord& record);
  void note_appearances(const std::vector<capture::DeviceChange>& changes);
  DeviceWish wish_of(const capture::Device& device) const;
  InterfaceRecord record_of(const capture::SelectedDevice& selected) const;
  interface_policy policy_of(const Recorded& recorded) const;
  void publish(std::uint32_t ifindex, Recorded& recorded);
  void publish_covered();
  void publish_tunnel_ports(
      const std::map<std::uint32_t, capture::SelectedDevice>* staying = nullptr);
  void follow_attached();
  void attach(Recorded& recorded);
  Status load_pod_programs();
  void attach_pod_ends();
  void open_port(Recorded& recorded);
  void note(Recorded& recorded, const std::string& what);
  std::string hooks_of(std::uint32_t ifindex, const Recorded& recorded) const;
  Result<capture::HostAddresses> host_addresses() const;
  void forget(std::map<std::uint32_t, Recorded>::iterator it);
  void report(Recorded& recorded, const Error& error);

  Recorder* recorder_;
  capture::DeviceMonitor monitor_;
  capture::AttachOptions attach_options_;
  InterfacePolicies policies_;
  FollowerSettings settings_;
  InterfaceTable table_;
  MirrorPorts ports_;
  PodEnds pod_ends_;
  std::optional<Result<std::unique_ptr<capture::PodPrograms>>> pod_programs_;  // once wanted
  std::map<std::uint32_t, Recorded> recorded_;  // by ifindex; of pods' loopbacks as in the settings
  bool leftovers_ = true;                       // an agent before may have left programs on devices
  bool without_id_ = false;                     // a device got none
  std::map<std::uint32_t, std::int64_t> appeared_;  // ifindex → monotonic time
  std::vector<std::string> unmatched_;              // names and globs that no device has
};

}  // namespace caprock::agent
