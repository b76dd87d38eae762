// SPDX-License-Identifier: Apache-2.0
#include "export/namespace_addresses.hpp"

#include <utility>

namespace caprock::exporting {
namespace {

/// A namespace is asked for its addresses when something was told of it already.
constexpr std::int64_t kToldLateNs = 1'000'000'000;

/// Others are in no namespace, or in every one.
bool is_of_one_namespace(const Address& address) {
  return !is_unspecified(address) && !is_loopback(address) && !is_multicast(address);
}

}  // namespace

void NamespaceAddresses::tell(std::uint64_t network, const std::vector<Address>& addresses,
                              std::int64_t time_ns) {
  Network& known = networks_[network];
  known.told_ns = time_ns;
  const std::set<Address> before =
      std::exchange(known.addresses, {addresses.begin(), addresses.end()});
  for (const Address& address : before) {
    if (!known.addresses.contains(address)) go(network, address, time_ns);
  }
  for (const Address& address : known.addresses) {
    go_from_noticed(address, time_ns);
    if (!before.contains(address)) come(network, address, time_ns);
  }
}

void NamespaceAddresses::notice(std::uint64_t network, const Address& address,
                                std::int64_t time_ns) {
  if (!is_of_one_namespace(address)) return;
  Network& known = networks_[network];
  if (!known.told_ns && known.addresses.insert(address).second) come(network, address, time_ns);
}

bool NamespaceAddresses::is_recorded(std::uint64_t network, const Address& address) const {
  return !is_loopback(address) || network == 0 || !host_ || network == *host_;
}

std::optional<std::uint64_t> NamespaceAddresses::of(const Address& address,
                                                    std::int64_t time_ns) const {
  if (is_loopback(address)) return host_;
  const auto found = stays_.find(address);
  if (found == stays_.end()) return std::nullopt;
  std::optional<std::uint64_t> network;
  for (const Stay& stay : found->second) {
    if (time_ns < stay.begin_ns || time_ns >= stay.end_ns) continue;
    if (network && *network != stay.network) return std::nullopt;
    network = stay.network;
  }
  return network;
}

void NamespaceAddresses::forget(std::int64_t needed_from_ns, const std::set<std::uint64_t>& used) {
  const auto is_over = [&](const auto& entry) {
    const auto& [network, known] = entry;
    if (known.told_ns) return *known.told_ns < needed_from_ns && known.addresses.empty();
    return !used.contains(network);
  };
  for (const auto& entry : networks_) {
    if (!is_over(entry)) continue;
    for (const Address& address : entry.second.addresses)
      go(entry.first, address, needed_from_ns);
  }
  std::erase_if(networks_, is_over);
  for (auto& [address, stays] : stays_)
    std::erase_if(stays, [&](const Stay& stay) { return stay.end_ns <= needed_from_ns; });
  std::erase_if(stays_, [](const auto& address) { return address.second.empty(); });
}

void NamespaceAddresses::come(std::uint64_t network, const Address& address, std::int64_t time_ns) {
  stays_[address].push_back({network, time_ns - kToldLateNs});
}

void NamespaceAddresses::go(std::uint64_t network, const Address& address, std::int64_t time_ns) {
  for (Stay& stay : stays_[address]) {
    if (stay.network == network && stay.end_ns == INT64_MAX) stay.end_ns = time_ns;
  }
}

/// The namespaces that are not told of.
void NamespaceAddresses::go_from_noticed(const Address& address, std::int64_t time_ns) {
  const auto found = stays_.find(address);
  if (found == stays_.end()) return;
  for (Stay& stay : found->second) {
    if (stay.end_ns != INT64_MAX) continue;  // its namespace may be forgotten
    Network& other = networks_[stay.network];
    if (other.told_ns) continue;
    stay.end_ns = time_ns;
    other.addresses.erase(address);
  }
}

}  // namespace caprock::exporting
