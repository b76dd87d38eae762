// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_link_finder.hpp"

#include <algorithm>
#include <utility>

#include "capture/pod_links.hpp"
#include "core/log.hpp"

namespace caprock::agent {

void PodLinkFinder::look(const PodMap& pods, const capture::DeviceMap& devices,
                         PodProcesses& processes) {
  drop_gone(pods, devices);
  const auto free = unclaimed(devices);
  const bool any_unclaimed = !free.empty();
  if (!std::ranges::includes(std::exchange(free_before_, free), free)) processes.expect_news();
  if (!any_unclaimed && by_address_.empty()) return;
  if (any_unclaimed) find_uplinks();
  find_first(pods, devices, processes);
  find_further(devices);
}

void PodLinkFinder::find_first(const PodMap& pods, const capture::DeviceMap& devices,
                               PodProcesses& processes) {
  Uids wanted;
  for (const auto& [uid, pod] : pods)
    if (is_alive(pod, links_) && !pod.host_network &&
        (!links_.contains(uid) || by_address_.contains(uid)))
      wanted.insert(uid);
  if (wanted.empty()) return;
  find_by_process(wanted, pods, devices, processes);
  for (const auto& uid : wanted)
    if (!links_.contains(uid) && !pods.at(uid).deleting) find_by_address(pods.at(uid), devices);
}

void PodLinkFinder::find_uplinks() {
  auto uplinks = capture::links_to_routers();
  if (!uplinks) return report_error(uplinks.error().message());
  uplinks_ = *std::move(uplinks);
}

void PodLinkFinder::drop_gone(const PodMap& pods, const capture::DeviceMap& devices) {
  for (auto& [uid, links] : links_) {
    const auto pod = pods.find(uid);
    if (pod == pods.end() || !is_alive(pod->second, links_)) links.clear();
    std::erase_if(links, [&](std::uint32_t ifindex) { return !devices.contains(ifindex); });
  }
  drop_empty();
}

void PodLinkFinder::drop_empty() {
  std::erase_if(links_, [](const auto& entry) { return entry.second.empty(); });
  std::erase_if(by_address_, [&](const auto& uid) { return !links_.contains(uid); });
}

void PodLinkFinder::find_by_process(const Uids& uids, const PodMap& pods,
                                    const capture::DeviceMap& devices, PodProcesses& processes) {
  for (const auto& [uid, pid] : processes.find(uids, pods)) {
    if (links_.contains(uid) && !by_address_.contains(uid)) continue;
    const auto id = capture::namespace_id_of_process(pid);
    if (!id || !*id) continue;  // it has ended
    const auto links = capture::links_into_namespace(devices, **id);
    if (!links.empty()) take(uid, links);
  }
  drop_empty();
}

/// From whoever was found by an address that leads there.
void PodLinkFinder::take(const std::string& uid, const std::vector<std::uint32_t>& links) {
  for (const auto& other : by_address_)
    for (const auto ifindex : links)
      links_[other].erase(ifindex);
  links_[uid] = {links.begin(), links.end()};
  by_address_.erase(uid);
}

void PodLinkFinder::find_by_address(const kubernetes::Pod& pod, const capture::DeviceMap& devices) {
  const auto free = unclaimed(devices);
  for (const auto& address : pod.addresses) {
    const auto link = capture::link_to_address(devices, address);
    if (!link) report_error(link.error().context(pod.name).message());
    if (!link || !*link || !free.contains(**link)) continue;
    links_[pod.uid].insert(**link);
    by_address_.insert(pod.uid);
  }
}

/// Those that lead into the same namespace as one that is known.
void PodLinkFinder::find_further(const capture::DeviceMap& devices) {
  const auto free = unclaimed(devices);
  for (auto& [uid, links] : links_) {
    const auto id = devices.at(*links.begin()).lower_namespace;
    if (id < 0) continue;
    for (const auto ifindex : capture::links_into_namespace(devices, id))
      if (free.contains(ifindex)) links.insert(ifindex);
  }
}

std::set<std::uint32_t> PodLinkFinder::unclaimed(const capture::DeviceMap& devices) const {
  std::set<std::uint32_t> unclaimed;
  for (const auto& [ifindex, device] : devices)
    if (leads_elsewhere(device) && !uplinks_.contains(ifindex)) unclaimed.insert(ifindex);
  for (const auto& [uid, links] : links_)
    for (const auto ifindex : links)
      unclaimed.erase(ifindex);
  return unclaimed;
}

}  // namespace caprock::agent
