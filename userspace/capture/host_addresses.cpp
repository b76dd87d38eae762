// SPDX-License-Identifier: Apache-2.0
#include "capture/host_addresses.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <array>
#include <span>

#include "capture/netlink.hpp"

namespace caprock::capture {
namespace {

/// Of a point-to-point device IFA_ADDRESS is the other end's; IPv6 may have only that one.
int read_attribute(const nlattr* attribute, void* context) {
  auto& address = *static_cast<const void**>(context);
  const auto type = mnl_attr_get_type(attribute);
  if (type == IFA_LOCAL || (type == IFA_ADDRESS && address == nullptr))
    address = mnl_attr_get_payload(attribute);
  return MNL_CB_OK;
}

void add_address(HostAddresses& addresses, const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWADDR) return;
  const auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
  if (info->ifa_scope == RT_SCOPE_LINK) return;
  const void* address = nullptr;
  mnl_attr_parse(&message, sizeof(ifaddrmsg), read_attribute, &address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address != nullptr &&
      ::inet_ntop(info->ifa_family, address, text.data(), text.size()) != nullptr) {
    addresses.emplace(info->ifa_index, text.data());
  }
}

}  // namespace

Result<HostAddresses> read_host_addresses() {
  const ifaddrmsg of_every_family{};
  const auto answer = netlink_dump(RTM_GETADDR, std::as_bytes(std::span(&of_every_family, 1)));
  if (!answer) return answer.error().context("read the host's addresses");
  HostAddresses addresses;
  for_each_message(*answer, [&](const nlmsghdr& message) { add_address(addresses, message); });
  return addresses;
}

}  // namespace caprock::capture
