// SPDX-License-Identifier: Apache-2.0
#include "capture/host_addresses.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "capture/bpf_map.hpp"
#include "capture/link_message.hpp"
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

struct Address {
  std::uint32_t ifindex;
  unsigned char scope;
  std::string text;
};

std::optional<Address> parse_address_message(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWADDR) return std::nullopt;
  const auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
  const void* address = nullptr;
  mnl_attr_parse(&message, sizeof(ifaddrmsg), read_attribute, &address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address == nullptr ||
      ::inet_ntop(info->ifa_family, address, text.data(), text.size()) == nullptr)
    return std::nullopt;
  return Address{info->ifa_index, info->ifa_scope, text.data()};
}

/// By which others reach what is in there.
Result<std::vector<Address>> reachable_in_namespace(std::int32_t id) {
  const ifaddrmsg of_every_family{};
  const auto answer = netlink_dump(RTM_GETADDR, object_bytes(of_every_family),
                                   {{IFA_TARGET_NETNSID, object_bytes(id)}});
  if (!answer) return answer.error().context("read a namespace's addresses");
  std::vector<Address> addresses;
  for_each_message(*answer, [&](const nlmsghdr& message) {
    auto address = parse_address_message(message);
    if (address && address->scope < RT_SCOPE_LINK) addresses.push_back(*std::move(address));
  });
  return addresses;
}

/// ifindexes there of devices that lie above one of another namespace.
Result<std::set<std::uint32_t>> shared_devices(std::int32_t id) {
  const ifinfomsg every_device{};
  const auto answer = netlink_dump(RTM_GETLINK, object_bytes(every_device),
                                   {{IFLA_TARGET_NETNSID, object_bytes(id)}});
  if (!answer) return answer.error().context("read a namespace's devices");
  std::set<std::uint32_t> devices;
  for_each_message(*answer, [&](const nlmsghdr& message) {
    const auto link = parse_link_message(message);
    if (link && link->device.lower_elsewhere && !is_pair(link->device))
      devices.insert(link->device.ifindex);
  });
  return devices;
}

}  // namespace

Result<HostAddresses> read_host_addresses() {
  const ifaddrmsg of_every_family{};
  const auto answer = netlink_dump(RTM_GETADDR, object_bytes(of_every_family));
  if (!answer) return answer.error().context("read the host's addresses");
  HostAddresses addresses;
  for_each_message(*answer, [&](const nlmsghdr& message) {
    const auto address = parse_address_message(message);
    if (address && address->scope != RT_SCOPE_LINK)
      addresses.emplace(address->ifindex, address->text);
  });
  return addresses;
}

std::vector<std::string> addresses_in_namespace(std::int32_t id) {
  std::vector<std::string> addresses;
  auto reachable = reachable_in_namespace(id);
  if (!reachable) return addresses;
  for (Address& address : *reachable)
    addresses.push_back(std::move(address.text));
  return addresses;
}

Result<std::vector<std::string>> shared_addresses_in_namespace(
    std::int32_t id, const std::vector<std::string>& known) {
  auto more = reachable_in_namespace(id);
  if (!more) return std::move(more).error();
  std::erase_if(*more, [&](const Address& address) {
    return std::ranges::find(known, address.text) != known.end();
  });
  std::vector<std::string> addresses;
  if (more->empty()) return addresses;  // as a rule, and devices are not for nothing
  const auto shared = shared_devices(id);
  if (!shared) return shared.error();
  for (Address& address : *more)
    if (shared->contains(address.ifindex)) addresses.push_back(std::move(address.text));
  return addresses;
}

}  // namespace caprock::capture
