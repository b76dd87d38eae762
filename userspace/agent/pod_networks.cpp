// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_networks.hpp"

#include <set>

#include "capture/pod_links.hpp"

namespace caprock::agent {
namespace {

/// Where the link is not known any process may be the one.
bool may_be_pods(pid_t pid, std::int32_t link_leads_to) {
  if (link_leads_to < 0) return true;
  const auto id = capture::namespace_id_of_process(pid);
  return id && *id == link_leads_to;
}

}  // namespace

bool PodNetworks::is_known(const std::string& uid, std::int32_t link_leads_to) const {
  const auto known = networks_.find(uid);
  if (known == networks_.end() || !known->second.is_there()) return false;
  return link_leads_to < 0 || judged_by_.at(uid) == link_leads_to;
}

void PodNetworks::look(const PodsWithNetworks& wanted, const PodMap& pods,
                       PodProcesses& processes) {
  std::erase_if(networks_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  std::set<std::string> unknown;
  for (const auto& [uid, link_leads_to] : wanted)
    if (!is_known(uid, link_leads_to)) unknown.insert(uid);
  if (unknown.empty()) return;
  const std::uint32_t own = own_network();
  PodNetworkMap found;
  for (const auto& [uid, pid] : processes.find(unknown, pods)) {
    const std::uint32_t inode = network_of(pid);
    if (inode == 0 || inode == own || !may_be_pods(pid, wanted.at(uid))) continue;
    const auto known = networks_.find(uid);
    const bool same = known != networks_.end() && known->second.inode == inode;
    if (same) found.insert_or_assign(uid, ProcessNetwork{inode, pid});
    found.try_emplace(uid, ProcessNetwork{inode, pid});
  }
  for (const auto& uid : unknown) {
    networks_.erase(uid);
    judged_by_[uid] = wanted.at(uid);
  }
  networks_.merge(found);
  std::erase_if(judged_by_, [&](const auto& entry) { return !networks_.contains(entry.first); });
}

}  // namespace caprock::agent
