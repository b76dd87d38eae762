// SPDX-License-Identifier: Apache-2.0
#include "capture/netlink.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <optional>
#include <utility>

namespace caprock::capture {
namespace {

constexpr int kMaxAttempts = 100;
constexpr std::uint32_t kSequence = 1;  // one request per socket

Status send_request(mnl_socket* socket, std::uint16_t type, std::uint16_t flags, Bytes header,
                    const std::vector<NetlinkAttribute>& attributes = {}) {
  std::array<char, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request->nlmsg_seq = kSequence;
  std::memcpy(mnl_nlmsg_put_extra_header(request, header.size()), header.data(), header.size());
  for (const auto& [attribute, value] : attributes)
    mnl_attr_put(request, attribute, value.size(), value.data());
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
    return Error::from_errno("rtnetlink: send a request");
  return {};
}

int append_message(const nlmsghdr* message, void* messages) {
  const auto* bytes = reinterpret_cast<const std::byte*>(message);
  auto& all = *static_cast<std::vector<std::byte>*>(messages);
  all.insert(all.end(), bytes, bytes + NLMSG_ALIGN(message->nlmsg_len));
  return MNL_CB_OK;
}

using Answer = std::optional<std::vector<std::byte>>;  // nothing: interrupted, ask again

Result<Answer> receive_answer(mnl_socket* socket) {
  std::vector<std::byte> messages;
  std::array<std::byte, 32768> buffer;  // the kernel sends no more at once
  int more = MNL_CB_OK;
  while (more == MNL_CB_OK) {
    const ssize_t bytes = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (bytes < 0) return Error::from_errno("rtnetlink: read an answer");
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(bytes), kSequence,
                      mnl_socket_get_portid(socket), append_message, &messages);
  }
  if (more == MNL_CB_STOP) return Answer(std::move(messages));
  if (errno == EINTR) return Answer();
  return Error::from_errno("rtnetlink: read an answer");
}

bool means_unknown(int error) {
  constexpr int kErrors[] = {ENOENT, ESRCH, ENODEV, ENETUNREACH, EHOSTUNREACH};
  return std::find(std::begin(kErrors), std::end(kErrors), error) != std::end(kErrors);
}

}  // namespace

Result<NetlinkSocket> open_netlink(unsigned groups, int flags) {
  NetlinkSocket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags));
  if (!socket || mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) != 0) {
    return Error::from_errno("open an rtnetlink socket");
  }
  return socket;
}

Result<std::vector<std::byte>> netlink_dump(std::uint16_t type, Bytes header,
                                            const std::vector<NetlinkAttribute>& attributes) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto socket = open_netlink(0, 0);
    if (!socket) return std::move(socket).error();
    int strict = attributes.empty() ? 0 : 1;
    if (mnl_socket_setsockopt(socket->get(), NETLINK_GET_STRICT_CHK, &strict, sizeof strict) != 0)
      return Error::from_errno("rtnetlink: ask strictly");
    if (auto sent = send_request(socket->get(), type, NLM_F_DUMP, header, attributes); !sent)
      return std::move(sent).error();
    auto answer = receive_answer(socket->get());
    if (!answer) return std::move(answer).error();
    if (*answer) return **std::move(answer);
  }
  return Error("rtnetlink: things change faster than they can be read");
}

Result<Answer> netlink_get(std::uint16_t type, Bytes header,
                           const std::vector<NetlinkAttribute>& attributes) {
  auto socket = open_netlink(0, 0);
  if (!socket) return std::move(socket).error();
  if (auto sent = send_request(socket->get(), type, 0, header, attributes); !sent)
    return std::move(sent).error();
  std::array<std::byte, 32768> buffer;
  const ssize_t bytes = mnl_socket_recvfrom(socket->get(), buffer.data(), buffer.size());
  std::vector<std::byte> message;
  if (bytes >= 0 && mnl_cb_run(buffer.data(), static_cast<std::size_t>(bytes), kSequence,
                               mnl_socket_get_portid(socket->get()), append_message, &message) >= 0)
    return Answer(std::move(message));
  if (bytes >= 0 && means_unknown(errno)) return Answer();
  return Error::from_errno("rtnetlink: read an answer");
}

Status netlink_change(std::uint16_t type, Bytes header) {
  auto socket = open_netlink(0, 0);
  if (!socket) return std::move(socket).error();
  if (auto sent = send_request(socket->get(), type, NLM_F_ACK, header); !sent) return sent;
  std::array<std::byte, 4096> buffer;
  const ssize_t bytes = mnl_socket_recvfrom(socket->get(), buffer.data(), buffer.size());
  if (bytes < 0 || mnl_cb_run(buffer.data(), static_cast<std::size_t>(bytes), kSequence,
                              mnl_socket_get_portid(socket->get()), nullptr, nullptr) < 0) {
    return Error::from_errno("rtnetlink: change a device");
  }
  return {};
}

}  // namespace caprock::capture
