// SPDX-License-Identifier: Apache-2.0
#include "insight/network_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

#include "core/network_namespace.hpp"
#include "core/processes.hpp"

namespace caprock::insight {
namespace {

constexpr std::size_t kMostKnown = 4096;
constexpr std::int64_t kAskAgainNs = 10'000'000'000;
constexpr std::int64_t kAskNewcomerNs = 1'000'000'000;
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

std::vector<std::uint32_t> deserted_of(std::vector<std::uint32_t> networks) {
  if (networks.empty()) return {};
  const std::vector<pid_t> processes = all_processes();
  if (processes.empty()) return {};  // they are not to be seen
  for (const pid_t pid : processes) {
    std::erase(networks, network_of(pid));
    if (networks.empty()) break;
  }
  return networks;
}

void NetworkAddresses::see(std::uint32_t network, std::uint32_t pid, std::int64_t start_ns,
                           std::int64_t now_ns) {
  if (!known_.contains(network) && !has_room()) return;
  Known& known = known_[network];
  known.seen_ns = std::max(known.seen_ns, now_ns);
  if (now_ns < (start_ns > known.answered_ns ? known.ask_newcomer_ns : known.ask_ns)) return;
  known.ask_ns = known.ask_newcomer_ns = now_ns + kMissedNs;
  questions_.push_back({network, pid});
}

/// Those that were told of have to stay, so that it is told when they are gone.
bool NetworkAddresses::has_room() {
  if (known_.size() < kMostKnown) return true;
  std::erase_if(known_, [](const auto& network) { return !network.second.is_told; });
  return known_.size() < kMostKnown;
}

bool NetworkAddresses::answer(std::uint32_t network, const AddressList& addresses,
                              std::int64_t now_ns) {
  if (addresses.empty()) return false;
  Known& known = known_[network];
  known.answered_ns = now_ns;
  known.ask_ns = now_ns + kAskAgainNs;
  known.ask_newcomer_ns = now_ns + kAskNewcomerNs;
  known.is_told = true;
  return std::exchange(known.told, addresses) != addresses;
}

std::vector<std::uint32_t> NetworkAddresses::take_told(std::int64_t now_ns) {
  std::vector<std::uint32_t> networks;
  if (now_ns < look_ns_) return networks;
  look_ns_ = now_ns + kAskAgainNs;
  for (const auto& [network, known] : known_) {
    if (known.is_told) networks.push_back(network);
  }
  return networks;
}

/// While a look goes on, processes come that it does not meet any more.
std::vector<std::uint32_t> NetworkAddresses::drop_deserted(
    const std::vector<std::uint32_t>& deserted, std::int64_t begin_ns) {
  std::vector<std::uint32_t> gone;
  for (auto& [network, known] : known_) {
    const bool now = known.seen_ns < begin_ns && std::ranges::binary_search(deserted, network);
    if (std::exchange(known.deserted, now) && now) gone.push_back(network);
  }
  for (const std::uint32_t network : gone)
    known_.erase(network);
  return gone;
}

/// It stays known which ones were told of: one may go without being told of again.
void NetworkAddresses::forget() {
  for (auto& [network, known] : known_) {
    known.told.clear();
    known.ask_ns = known.ask_newcomer_ns = 0;
  }
}

}  // namespace caprock::insight
