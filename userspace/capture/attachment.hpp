// SPDX-License-Identifier: Apache-2.0
// One program on one hook of one device.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "abi/limits.h"

#include "core/result.hpp"

namespace caprock::capture {

enum class Hook { kTcx, kClsact, kNetkit, kXdpNative, kXdpGeneric };

/// "tcx", "clsact", "netkit", "xdp", "xdp (generic)".
std::string_view to_string(Hook hook);

/// Detaches when destroyed; a device that is gone by then is no error. Control-plane thread.
class Attachment {
 public:
  virtual ~Attachment() = default;

  virtual Hook hook() const = 0;

  /// Whether the program is still there: somebody may have deleted it, the device may be gone or in
  /// another namespace.
  virtual bool in_place() const = 0;

  /// Stays where it is when this is destroyed, for the next agent. Without a pin it does not.
  virtual void keep() = 0;
};

/// A place on a device. `pin` keeps a link there alive without this process; a link that is pinned
/// there already is taken over without a gap. Empty: no pin.
struct AttachPoint {
  std::uint32_t ifindex = 0;
  caprock_direction direction = CAPROCK_INGRESS;
  std::filesystem::path pin;
};

using AttachResult = Result<std::unique_ptr<Attachment>>;

/// Through a tcx link, in front of all others. Kernel 6.6.
AttachResult attach_tcx(int program_fd, const AttachPoint& point);

/// Whether the device is the end of a netkit to which programs of both ends are attached.
bool is_netkit_primary(std::uint32_t ifindex);

/// Through a netkit link, in front of all others: on what is sent at the other end, `peer` (its
/// ifindex, where it is). The programs see it as ingress of the primary, `point`, before one of
/// others may send it past that. Kernel 6.7.
AttachResult attach_netkit(int program_fd, const AttachPoint& point, std::uint32_t peer);

/// Through an XDP link, in the driver or else generic. Ingress only.
AttachResult attach_xdp(int program_fd, const AttachPoint& point);

/// As a clsact filter with a handle of our own, in front of others; one that is there from before
/// is taken over. The qdisc must be there (clsact_qdisc.hpp). Never pinned, as the device keeps a
/// filter until it is deleted; that the point has a pin says that it may be kept.
AttachResult attach_clsact(int program_fd, const AttachPoint& point);

/// Deletes our filter, if there is one: also one that an agent left when it died.
void remove_clsact_filter(const AttachPoint& point);

}  // namespace caprock::capture
