// SPDX-License-Identifier: Apache-2.0
#include "capture/device_monitor.hpp"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace caprock::capture {
namespace {

// Room for the largest message of a dump (NLMSG_GOODSIZE of the kernel, up to 32 KiB).
using ReceiveBuffer = std::array<char, 32768>;
constexpr std::uint32_t kMaxAttempts = 100;
constexpr int kReceiveQueueBytes = 4 << 20;  // some thousand devices changing at once

int collect_link(const nlmsghdr* message, void* links) {
  if (auto link = parse_link_message(*message)) {
    static_cast<std::vector<LinkMessage>*>(links)->push_back(*std::move(link));
  }
  return MNL_CB_OK;
}

Status request_all(mnl_socket* socket, std::uint32_t sequence) {
  std::array<char, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = sequence;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
    return Error::from_errno("rtnetlink: ask for devices");
  return {};
}

enum class Answer { kComplete, kInterrupted };  // interrupted: devices changed meanwhile, ask again

Result<Answer> receive_all(mnl_socket* socket, std::uint32_t sequence,
                           std::vector<LinkMessage>& links) {
  ReceiveBuffer buffer;
  int more = MNL_CB_OK;
  while (more == MNL_CB_OK) {
    const ssize_t bytes = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (bytes < 0) return Error::from_errno("rtnetlink: read devices");
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(bytes), sequence,
                      mnl_socket_get_portid(socket), collect_link, &links);
  }
  if (more == MNL_CB_STOP) return Answer::kComplete;
  if (errno == EINTR) return Answer::kInterrupted;
  return Error::from_errno("rtnetlink: read devices");
}

}  // namespace

void DeviceMonitor::CloseSocket::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<DeviceMonitor> DeviceMonitor::open() {
  auto socket = open_socket(RTMGRP_LINK, SOCK_NONBLOCK);
  if (!socket) return std::move(socket).error();
  // Where it is not allowed the smaller default does, at the price of reading all devices anew more
  // often.
  ::setsockopt(mnl_socket_get_fd(socket->get()), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueueBytes,
               sizeof kReceiveQueueBytes);
  DeviceMonitor monitor(*std::move(socket));
  auto devices = read_all();
  if (!devices) return std::move(devices).error();
  monitor.devices_ = *std::move(devices);
  return monitor;
}

int DeviceMonitor::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

Result<std::vector<DeviceChange>> DeviceMonitor::read_events() {
  std::vector<DeviceChange> changes;
  bool overrun = false;
  ReceiveBuffer buffer;
  for (;;) {
    const ssize_t bytes = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EAGAIN) break;
    if (bytes < 0 && errno != ENOBUFS) return Error::from_errno("rtnetlink: read events");
    if (bytes < 0) {
      overrun = true;
      continue;
    }
    std::vector<LinkMessage> links;
    mnl_cb_run(buffer.data(), static_cast<std::size_t>(bytes), 0, 0, collect_link, &links);
    for (LinkMessage& link : links)
      apply(std::move(link), changes);
  }
  if (overrun) {
    if (auto resynchronised = resynchronise(changes); !resynchronised)
      return std::move(resynchronised).error();
  }
  return changes;
}

void DeviceMonitor::apply(LinkMessage message, std::vector<DeviceChange>& changes) {
  DeviceMap before;
  DeviceMap after;
  const std::uint32_t ifindex = message.device.ifindex;
  if (auto known = devices_.extract(ifindex)) before.insert(std::move(known));
  if (!message.gone) after.emplace(ifindex, std::move(message.device));
  for (DeviceChange& change : difference(before, after))
    changes.push_back(std::move(change));
  devices_.merge(after);
}

Status DeviceMonitor::resynchronise(std::vector<DeviceChange>& changes) {
  auto devices = read_all();
  if (!devices) return std::move(devices).error();
  for (DeviceChange& change : difference(devices_, *devices))
    changes.push_back(std::move(change));
  devices_ = *std::move(devices);
  return {};
}

Result<DeviceMonitor::Socket> DeviceMonitor::open_socket(unsigned groups, int flags) {
  Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags));
  if (!socket || mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) != 0) {
    return Error::from_errno("open an rtnetlink socket");
  }
  return socket;
}

Result<DeviceMap> DeviceMonitor::read_all() {
  for (std::uint32_t attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    auto socket = open_socket(0, 0);
    if (!socket) return std::move(socket).error();
    if (auto sent = request_all(socket->get(), attempt); !sent) return std::move(sent).error();
    std::vector<LinkMessage> links;
    const auto answer = receive_all(socket->get(), attempt, links);
    if (!answer) return answer.error();
    if (*answer == Answer::kInterrupted) continue;

    DeviceMap devices;
    for (LinkMessage& link : links)
      devices.emplace(link.device.ifindex, std::move(link.device));
    return devices;
  }
  return Error("rtnetlink: devices change faster than they can be read");
}

}  // namespace caprock::capture
