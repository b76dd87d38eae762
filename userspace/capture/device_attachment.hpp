// SPDX-License-Identifier: Apache-2.0
// The capture programs on one device.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/attached_devices.hpp"
#include "capture/attachment.hpp"
#include "capture/clsact_qdisc.hpp"
#include "capture/interface_selection.hpp"
#include "capture/pod_programs.hpp"
#include "capture/programs.hpp"
#include "core/network_namespace.hpp"
#include "core/result.hpp"

namespace caprock::capture {

enum class TcFlavour { kTcx, kClsact };

/// How this kernel takes tc programs. To be asked once: with both at a time packets would be
/// recorded twice.
Result<TcFlavour> probe_tc_flavour();

/// What attaching needs to know beside the device.
struct AttachOptions {
  TcFlavour tc = TcFlavour::kTcx;
  std::filesystem::path pin_directory;        // for links; empty: no pins
  const PodPrograms* pod_programs = nullptr;  // for devices inside of pods
};

/// Programs on both directions, as far as the selection wants them. Detaches when destroyed, and
/// leaves the device as it was found. Programs may go before. Control-plane thread.
class DeviceAttachment {
 public:
  /// All that the selection asks for, or an error and nothing (also when the device vanishes
  /// meanwhile). Where XDP is refused the ingress goes through tc, and note() says why.
  static Result<DeviceAttachment> attach(const Programs& programs, const SelectedDevice& selected,
                                         const AttachOptions& options);

  DeviceAttachment(DeviceAttachment&& other) noexcept { *this = std::move(other); }
  DeviceAttachment& operator=(DeviceAttachment&& other) noexcept;
  ~DeviceAttachment();

  /// Whether all programs are still there. If not: destroy this one, only then attach anew.
  bool in_place() const;

  /// Inside of a pod: by which process its network namespace is to be entered from now on.
  void enter_by(const ProcessNetwork& network) { network_ = network; }

  /// The programs stay where they are when this is destroyed, for the next agent.
  void keep();

  /// Whether the ingress goes through XDP, as wished.
  bool has_xdp() const;

  /// "tcx", "clsact", "netkit + tcx", "xdp + tcx" …
  std::string hooks() const;

  const std::string& note() const { return note_; }

 private:
  DeviceAttachment() = default;
  static Result<DeviceAttachment> attach_here(const Programs& programs,
                                              const SelectedDevice& selected,
                                              const AttachOptions& options);
  bool all_in_place() const;

  /// A link is reached from anywhere, a filter only in the device's network namespace.
  bool has_to_enter() const { return network_ && qdisc_; }

  std::optional<ClsactQdisc> qdisc_;  // outlives the filters that hang in it
  std::vector<std::unique_ptr<Attachment>> attachments_;
  std::string note_;
  std::optional<ProcessNetwork> network_;  // of a pod; none: the host's
};

/// Removes what an agent that died left behind and no one has taken over: pinned links and filters
/// of devices that are not in `attached`. To be called when all devices are attached, until it
/// succeeds.
Status remove_leftovers(const DeviceMap& devices, const AttachedDevices& attached,
                        const AttachOptions& options);

}  // namespace caprock::capture
