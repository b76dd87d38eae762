// SPDX-License-Identifier: Apache-2.0
#include "insight/network_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

#include "core/network_namespace.hpp"

namespace caprock::insight {
namespace {

constexpr std::size_t kMostKnown = 4096;
constexpr std::int64_t kAskAgainNs = 10'000'000'000;
constexpr std::int64_t kMissedNs =
    100'000'000;  // a process that was gone: the next one may be there

std::string printable(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address != nullptr && address->sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
                sizeof text);
  } else if (address != nullptr && address->sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
                sizeof text);
  }
  return text;
}

/// Of the namespace that this thread is in.
AddressList present_addresses() {
  ifaddrs* found = nullptr;
  if (::getifaddrs(&found) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(found, &::freeifaddrs);
  AddressList addresses;
  for (const ifaddrs* one = found; one != nullptr; one = one->ifa_next) {
    if (auto address = printable(one->ifa_addr); !address.empty())
      addresses.push_back(std::move(address));
  }
  std::ranges::sort(addresses);
  const auto twice = std::ranges::unique(addresses);
  addresses.erase(twice.begin(), twice.end());
  return addresses;
}

}  // namespace

AddressList addresses_of(std::uint32_t network, std::uint32_t pid) {
  if (network == own_network()) return present_addresses();
  AddressList addresses;
  (void)do_inside({network, static_cast<pid_t>(pid)}, [&] { addresses = present_addresses(); });
  return addresses;
}

bool any_left(const NetworkUsers& users) {
  return std::ranges::any_of(users.pids, [&](std::uint32_t pid) {
    return pid != 0 && network_of(static_cast<pid_t>(pid)) == users.network;
  });
}

void NetworkAddresses::see(std::uint32_t network, std::uint32_t pid, std::int64_t now_ns) {
  if (known_.size() == kMostKnown && !known_.contains(network)) known_.clear();
  Known& known = known_[network];
  remember(known, pid);
  if (now_ns < known.ask_ns) return;
  known.ask_ns = now_ns + kMissedNs;
  questions_.push_back({network, pid});
}

void NetworkAddresses::remember(Known& known, std::uint32_t pid) {
  if (std::ranges::find(known.pids, pid) == known.pids.end())
    known.pids[known.next_pid++ % known.pids.size()] = pid;
}

bool NetworkAddresses::answer(std::uint32_t network, const AddressList& addresses,
                              std::int64_t now_ns) {
  if (addresses.empty()) return false;
  Known& known = known_[network];
  known.ask_ns = now_ns + kAskAgainNs;
  return std::exchange(known.told, addresses) != addresses;
}

std::vector<NetworkUsers> NetworkAddresses::take_users(std::int64_t now_ns) {
  std::vector<NetworkUsers> users;
  if (now_ns < look_ns_) return users;
  look_ns_ = now_ns + kAskAgainNs;
  for (const auto& [network, known] : known_) {
    if (!known.told.empty()) users.push_back({network, known.pids});
  }
  return users;
}

/// It stays known who was there: a namespace may go without being told of again.
void NetworkAddresses::forget() {
  for (auto& [network, known] : known_) {
    known.told.clear();
    known.ask_ns = 0;
  }
}

}  // namespace caprock::insight
