// SPDX-License-Identifier: Apache-2.0
// The capture programs on one device.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/attachment.hpp"
#include "capture/clsact_qdisc.hpp"
#include "capture/interface_selection.hpp"
#include "capture/programs.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// How this kernel takes tc programs. Found out once: changing between the two while attached would
/// record packets twice.
enum class TcFlavour { kTcx, kClsact };
Result<TcFlavour> probe_tc_flavour();

/// What attach_device() needs beside the device.
struct AttachOptions {
  TcFlavour tc = TcFlavour::kTcx;
  std::filesystem::path pin_directory;  // for links; empty: no pins
};

/// Programs on both directions, as far as the selection wants them. Detaches when destroyed, and
/// leaves the device as it was found. Control-plane thread.
class DeviceAttachment {
 public:
  /// All of the device's programs, or none and an error (a device that vanished meanwhile
  /// included). Where the driver refuses XDP the ingress goes to tc; note() says so. The programs
  /// must outlive nothing: the kernel holds them.
  static Result<DeviceAttachment> attach(const Programs& programs, const SelectedDevice& selected,
                                         const AttachOptions& options);

  /// Whether all programs are still there; if not, destroy this and attach anew.
  bool in_place() const;

  /// "tcx", "clsact", "xdp + tcx" …
  std::string hooks() const;
  const std::string& note() const { return note_; }

 private:
  DeviceAttachment() = default;

  std::optional<ClsactQdisc> qdisc_;  // outlives the filters in it
  std::vector<std::unique_ptr<Attachment>> attachments_;
  std::string note_;
};

}  // namespace caprock::capture
