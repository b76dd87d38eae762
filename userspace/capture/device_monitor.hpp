// SPDX-License-Identifier: Apache-2.0
// Follows the network devices of this namespace by rtnetlink.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "capture/device.hpp"
#include "capture/link_message.hpp"
#include "core/result.hpp"

struct mnl_socket;

namespace caprock::capture {

/// Control-plane thread.
class DeviceMonitor {
 public:
  /// Subscribes, then reads all devices there are: nothing is missed in between.
  static Result<DeviceMonitor> open();

  /// Non-blocking; readable when there is something for read_events().
  int fd() const;

  /// Takes in what has happened since. A device that moved to another namespace has vanished. When
  /// the kernel had to drop messages all devices are read anew, so the changes are complete either
  /// way.
  Result<std::vector<DeviceChange>> read_events();

  const DeviceMap& devices() const { return devices_; }

 private:
  struct CloseSocket {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

  explicit DeviceMonitor(Socket socket) : socket_(std::move(socket)) {}
  static Result<Socket> open_socket(unsigned groups, int flags);
  static Result<DeviceMap> read_all();
  void apply(LinkMessage message, std::vector<DeviceChange>& changes);
  Status resynchronise(std::vector<DeviceChange>& changes);

  Socket socket_;
  DeviceMap devices_;
};

}  // namespace caprock::capture
