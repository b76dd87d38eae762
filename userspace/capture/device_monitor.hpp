// SPDX-License-Identifier: Apache-2.0
// Follows the network devices of this namespace by rtnetlink.
#pragma once

#include <utility>
#include <vector>

#include "capture/device.hpp"
#include "capture/link_message.hpp"
#include "capture/netlink.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// All devices there are now.
Result<DeviceMap> read_devices();

/// Control-plane thread.
class DeviceMonitor {
 public:
  /// Subscribes, then reads all devices there are: nothing is missed in between.
  static Result<DeviceMonitor> open();

  /// Non-blocking; readable when there is something for read_events().
  int fd() const { return mnl_socket_get_fd(socket_.get()); }

  /// Takes in what has happened since. A device that moved to another namespace has vanished. When
  /// the kernel had to drop messages all devices are read anew, so the changes are complete either
  /// way. After an error devices() has what was taken in up to then; the next call goes on there,
  /// whether fd() is readable or not.
  Result<std::vector<DeviceChange>> read_events();

  const DeviceMap& devices() const { return devices_; }

 private:
  explicit DeviceMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  void apply(LinkMessage message, std::vector<DeviceChange>& changes);
  Status resynchronise(std::vector<DeviceChange>& changes);

  NetlinkSocket socket_;
  DeviceMap devices_;
  bool overrun_ = false;  // messages were dropped, and devices_ was not read anew since
};

}  // namespace caprock::capture
