// SPDX-License-Identifier: Apache-2.0
#include "insight/network_addresses.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>

#include "core/fd.hpp"

namespace caprock::insight {
namespace {

constexpr std::size_t kMostKnown = 4096;
constexpr std::int64_t kAskAgainNs = 10'000'000'000;
constexpr std::int64_t kMissedNs =
    100'000'000;  // a process that was gone: the next one may be there

std::uint32_t inode_of(const Fd& file) {
  struct stat info {};
  return file && ::fstat(file.get(), &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

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

Fd open_network(const std::string& process) {
  return Fd(::open(fmt::format("/proc/{}/ns/net", process).c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

std::uint32_t own_network() {
  return inode_of(open_network("thread-self"));
}

/// A thread that has gone to another namespace is done with: nothing can go wrong on its way back.
AddressList addresses_of(std::uint32_t network, std::uint32_t pid) try {
  if (network == own_network()) return present_addresses();
  const Fd other = open_network(fmt::to_string(pid));
  if (inode_of(other) != network) return {};
  AddressList addresses;
  std::thread([&] {
    if (::setns(other.get(), CLONE_NEWNET) == 0) addresses = present_addresses();
  }).join();
  return addresses;
} catch (const std::system_error&) {  // no thread to be had at the moment
  return {};
}

bool any_left(const NetworkUsers& users) {
  return std::ranges::any_of(users.pids, [&](std::uint32_t pid) {
    return pid != 0 && inode_of(open_network(fmt::to_string(pid))) == users.network;
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
