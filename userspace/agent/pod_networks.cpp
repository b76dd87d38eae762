// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_networks.hpp"

#include <cstdint>

namespace caprock::agent {

void PodNetworks::look(const std::set<std::string>& uids, const PodMap& pods,
                       PodProcesses& processes) {
  std::erase_if(networks_, [&](const auto& entry) { return !uids.contains(entry.first); });
  std::set<std::string> unknown;
  for (const auto& uid : uids) {
    const auto known = networks_.find(uid);
    if (known == networks_.end() || !known->second.is_there()) unknown.insert(uid);
  }
  if (unknown.empty()) return;
  const std::uint32_t own = own_network();
  PodNetworkMap found;
  for (const auto& [uid, pid] : processes.find(unknown, pods)) {
    const std::uint32_t inode = network_of(pid);
    if (inode == 0 || inode == own) continue;
    const auto known = networks_.find(uid);
    const bool same = known != networks_.end() && known->second.inode == inode;
    if (same) found.insert_or_assign(uid, ProcessNetwork{inode, pid});
    found.try_emplace(uid, ProcessNetwork{inode, pid});
  }
  for (const auto& uid : unknown)
    networks_.erase(uid);
  networks_.merge(found);
}

}  // namespace caprock::agent
