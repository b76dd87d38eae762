// SPDX-License-Identifier: Apache-2.0
#include "agent/shared_devices.hpp"

#include <utility>

#include "capture/host_addresses.hpp"

namespace caprock::agent {
namespace {

/// Nobody tells of a network that is plugged in while the pod runs.
constexpr std::int64_t kReadAgainNs = 10'000'000'000;

}  // namespace

void SharedDevices::look(const PodsWithNetworks& wanted, const PodMap& pods, std::int64_t now_ns) {
  const auto is_not_wanted = [&](const auto& entry) { return !wanted.contains(entry.first); };
  std::erase_if(read_, is_not_wanted);
  std::erase_if(addresses_, is_not_wanted);
  for (const auto& [uid, of_namespace] : wanted) {
    const auto [read, is_new] = read_.try_emplace(uid);
    const bool same = !is_new && read->second.of_namespace == of_namespace;
    if (same && now_ns - read->second.when_ns < kReadAgainNs) continue;
    read->second = {.of_namespace = of_namespace, .when_ns = now_ns};
    auto addresses = capture::shared_addresses_in_namespace(of_namespace, pods.at(uid).addresses);
    if (!addresses && same) continue;  // what was known is likelier than none
    if (!addresses || addresses->empty())
      addresses_.erase(uid);
    else
      addresses_.insert_or_assign(uid, *std::move(addresses));
  }
}

}  // namespace caprock::agent
