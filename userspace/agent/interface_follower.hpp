// SPDX-License-Identifier: Apache-2.0
// Keeps the programs attached to the devices that are to be recorded, as these come, change and go.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/interface_table.hpp"
#include "agent/mirror_ports.hpp"
#include "agent/recorder.hpp"
#include "api/status.hpp"
#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/interface_selection.hpp"
#include "capture/mirror_port.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"

namespace caprock::agent {

/// What is wanted of the host's devices. Changes live.
struct FollowerSettings {
  capture::InterfaceWishes wishes;
  interface_mode mode = INTERFACE_ALL;
  bool enabled = true;             // false: nothing is attached
  std::uint64_t mirror_bytes = 0;  // memory of each mirror port's sockets

  bool operator==(const FollowerSettings&) const = default;
};

/// A device's packets carry its interface id only after every lane's segments describe it: the
/// order is id, segments, policy, attachment. A renamed device gets a new id and stays attached.
/// Control-plane thread.
class InterfaceFollower {
 public:
  static Result<InterfaceFollower> create(Recorder& recorder, std::filesystem::path pin_directory,
                                          FollowerSettings settings);

  /// Readable when devices have changed: call read_events().
  int fd() const { return monitor_.fd(); }
  void read_events();

  void set(FollowerSettings settings);

  /// Attaches anew what somebody else has detached, and tries again what failed: attaching, reading
  /// the devices. Call every second or two.
  void repair();

  /// Detaches everything.
  void stop();

  /// Leaves everything attached for the next agent, and follows no more.
  void keep();

  std::string hook() const;  // "tcx", "clsact", "xdp + tcx"
  std::vector<api::InterfaceStatus> status() const;

 private:
  struct Recorded {
    capture::SelectedDevice selected;
    std::uint32_t id = 0;
    std::optional<capture::DeviceAttachment> attachment;
    std::string error;      // why there is none
    std::uint8_t port = 0;  // number of the mirror port, 0: it is none
    Fd promiscuous;         // keeps a port in that mode
  };

  InterfaceFollower(Recorder& recorder, capture::DeviceMonitor monitor,
                    capture::AttachOptions attach_options, FollowerSettings settings);

  void apply();
  void remove_leftovers();
  void remove_stale_policies();
  void tell_unmatched(std::vector<std::string> unmatched);
  void drop_unselected(const std::map<std::uint32_t, capture::SelectedDevice>& selected);
  void add_selected(const std::map<std::uint32_t, capture::SelectedDevice>& selected);
  bool assign_id(std::uint32_t ifindex, const capture::SelectedDevice& selected);
  void publish(std::uint32_t ifindex, Recorded& recorded);
  void attach(Recorded& recorded);
  void open_port(Recorded& recorded);
  void note(Recorded& recorded, const std::string& what);
  std::string hooks_of(const Recorded& recorded) const;
  Result<capture::HostAddresses> host_addresses() const;
  void forget(std::map<std::uint32_t, Recorded>::iterator it);
  void report(Recorded& recorded, const Error& error);

  Recorder* recorder_;
  capture::DeviceMonitor monitor_;
  capture::AttachOptions attach_options_;
  capture::PolicyMap policies_;
  capture::InterfaceRecordMap records_;
  FollowerSettings settings_;
  InterfaceTable table_;
  MirrorPorts ports_;
  std::map<std::uint32_t, Recorded> recorded_;  // by ifindex
  std::vector<std::string> unmatched_;          // names and globs that no device has
};

}  // namespace caprock::agent
