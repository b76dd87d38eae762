// SPDX-License-Identifier: Apache-2.0
#include "agent/targeting.hpp"

#include <set>
#include <string>

#include "capture/host_addresses.hpp"

namespace caprock::agent {
namespace {

/// A link that is new to the agent is recorded for so long, whosever it may be.
constexpr std::int64_t kGraceNs = 10'000'000'000;
/// While nobody tells of pods: those that come by on the API server's way back wait for the agent's
/// next attempt (kubernetes::Times::retry_most), too.
constexpr std::int64_t kGraceUnfollowedNs = 60'000'000'000;

/// For the links that are new, and those of pods of which no address is told: it is in the pod's
/// namespace long before the kubelet tells it, and as long as an evicted pod runs. Without a filter
/// for those alone that are to be in no record.
LinkAddresses find_addresses(const PodMap& pods, const PodLinkMap& links,
                             const capture::DeviceMap& devices,
                             const std::set<std::uint32_t>& fresh, bool restricts) {
  std::set<std::uint32_t> wanted = restricts ? fresh : std::set<std::uint32_t>();
  for (const auto& [uid, of_pod] : links) {
    const kubernetes::Pod& pod = pods.at(uid);
    if (pod.addresses.empty() && (restricts || opts_out(pod)))
      wanted.insert(of_pod.begin(), of_pod.end());
  }
  LinkAddresses found;
  for (const auto ifindex : wanted)
    found[ifindex] = capture::addresses_in_namespace(devices.at(ifindex).lower_namespace);
  return found;
}

}  // namespace

/// Of pods that have a network of their own: those inside of which something is to be attached.
PodsWithNetworks Targeting::with_networks(const PodMap& pods,
                                          const capture::DeviceMap& devices) const {
  PodsWithNetworks wanted;
  for (const auto& [uid, pod] : pods) {
    if (!is_alive(pod, finder_.links()) || pod.host_network) continue;
    const bool has_end = filter_.restricts() && finder_.links().contains(uid);
    if ((loopbacks_ || has_end) && filter_.judge(pod).targeted)
      wanted.emplace(uid, namespace_behind(uid, devices));
  }
  return wanted;
}

/// Those of which every address matters. Until an address is told, find_addresses() does.
PodsWithNetworks Targeting::with_addresses(const PodMap& pods,
                                           const capture::DeviceMap& devices) const {
  PodsWithNetworks wanted;
  for (const auto& [uid, links] : finder_.links()) {
    const kubernetes::Pod& pod = pods.at(uid);
    const bool matters = opts_out(pod) || (filter_.restricts() && filter_.judge(pod).targeted);
    if (matters && !pod.addresses.empty()) wanted.emplace(uid, namespace_behind(uid, devices));
  }
  return wanted;
}

/// Where the pod's links lead to, as the host knows it; -1: it is not known.
std::int32_t Targeting::namespace_behind(const std::string& uid,
                                         const capture::DeviceMap& devices) const {
  const auto links = finder_.links().find(uid);
  if (links == finder_.links().end()) return -1;
  return devices.at(*links->second.begin()).lower_namespace;
}

/// For a moment after the API server is there again the longer one: what it has to tell comes.
std::int64_t Targeting::grace(const Cluster& cluster, std::int64_t now_ns) {
  if (!cluster.follows_pods()) unfollowed_ns_ = now_ns;
  return now_ns - unfollowed_ns_ < kGraceNs ? kGraceUnfollowedNs : kGraceNs;
}

void Targeting::update(const Cluster& cluster, const capture::DeviceMap& devices,
                       const std::function<std::int64_t(std::uint32_t)>& appeared_ns) {
  finder_.look(cluster.pods(), devices, processes_);
  networks_.look(with_networks(cluster.pods(), devices), cluster.pods(), processes_);
  const std::int64_t now = monotonic_ns();
  shared_.look(with_addresses(cluster.pods(), devices), cluster.pods(), now);
  const std::int64_t grace_ns = grace(cluster, now);
  std::set<std::uint32_t> fresh;
  for (const auto ifindex : finder_.unclaimed(devices)) {
    std::int64_t appeared = appeared_ns(ifindex);
    // It may have come while no agent ran.
    if (appeared == 0 && cluster.remembers()) appeared = started_ns_;
    if (appeared != 0 && now - appeared < grace_ns) fresh.insert(ifindex);
  }
  waits_ = !fresh.empty();
  const LinkAddresses addresses =
      find_addresses(cluster.pods(), finder_.links(), devices, fresh, filter_.restricts());
  plan_ = plan_pods(filter_, {.pods = cluster.pods(),
                              .links = finder_.links(),
                              .devices = devices,
                              .new_links = fresh,
                              .link_addresses = addresses,
                              .uplinks = finder_.uplinks(),
                              .loopbacks = loopbacks_,
                              .networks = networks_.all(),
                              .shared_addresses = shared_.addresses()});
}

}  // namespace caprock::agent
