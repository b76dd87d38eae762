// SPDX-License-Identifier: Apache-2.0
#include "capture/device_monitor.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace caprock::capture {
namespace {

constexpr int kReceiveQueueBytes = 4 << 20;  // some thousand devices changing at once

}  // namespace

Result<DeviceMap> read_devices() {
  const ifinfomsg every_device{};
  const auto answer = netlink_dump(RTM_GETLINK, std::as_bytes(std::span(&every_device, 1)));
  if (!answer) return answer.error().context("read the network devices");
  DeviceMap devices;
  for_each_message(*answer, [&](const nlmsghdr& message) {
    if (auto link = parse_link_message(message))
      devices.emplace(link->device.ifindex, std::move(link->device));
  });
  return devices;
}

Result<DeviceMonitor> DeviceMonitor::open() {
  auto socket = open_netlink(RTMGRP_LINK, SOCK_NONBLOCK);
  if (!socket) return std::move(socket).error();
  DeviceMonitor monitor(*std::move(socket));
  // Where it is not allowed the smaller default does, at the price of reading all devices anew more
  // often.
  ::setsockopt(monitor.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueueBytes,
               sizeof kReceiveQueueBytes);
  auto devices = read_devices();
  if (!devices) return std::move(devices).error();
  monitor.devices_ = *std::move(devices);
  return monitor;
}

Result<std::vector<DeviceChange>> DeviceMonitor::read_events() {
  std::vector<DeviceChange> changes;
  alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
  for (;;) {
    const ssize_t bytes = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EAGAIN) break;
    if (bytes < 0 && errno != ENOBUFS) return Error::from_errno("rtnetlink: read events");
    if (bytes < 0) {
      overrun_ = true;
      continue;
    }
    for_each_message(Bytes(buffer).first(static_cast<std::size_t>(bytes)),
                     [&](const nlmsghdr& message) {
                       if (auto link = parse_link_message(message))
                         apply(*std::move(link), changes);
                     });
  }
  if (overrun_) {
    if (auto done = resynchronise(changes); !done) return std::move(done).error();
    overrun_ = false;
  }
  return changes;
}

void DeviceMonitor::apply(LinkMessage message, std::vector<DeviceChange>& changes) {
  const std::uint32_t ifindex = message.device.ifindex;
  DeviceMap before;
  if (auto known = devices_.extract(ifindex)) before.insert(std::move(known));
  DeviceMap after;
  if (!message.gone) after.emplace(ifindex, std::move(message.device));
  for (DeviceChange& change : difference(before, after))
    changes.push_back(std::move(change));
  devices_.merge(after);
}

Status DeviceMonitor::resynchronise(std::vector<DeviceChange>& changes) {
  auto devices = read_devices();
  if (!devices) return std::move(devices).error();
  for (DeviceChange& change : difference(devices_, *devices))
    changes.push_back(std::move(change));
  devices_ = *std::move(devices);
  return {};
}

}  // namespace caprock::capture
