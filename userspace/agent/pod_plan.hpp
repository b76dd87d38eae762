// SPDX-License-Identifier: Apache-2.0
// From the pods of this node and their links to what is recorded where: a pure function.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/cluster.hpp"
#include "agent/interface_follower.hpp"
#include "agent/pod_networks.hpp"
#include "agent/shared_devices.hpp"
#include "api/targets.hpp"
#include "capture/device.hpp"
#include "filter/pod_filter.hpp"
#include "filter/prefix.hpp"

namespace caprock::agent {

/// ifindexes of each pod's links on this host, by the pod's uid.
using PodLinkMap = std::map<std::string, std::set<std::uint32_t>>;

/// Addresses in the namespace that a link leads into, by the link's ifindex.
using LinkAddresses = std::map<std::uint32_t, std::vector<std::string>>;

struct PodPlan {
  std::map<std::uint32_t, DeviceWish> devices;     // by ifindex: of links that lead to pods
  std::map<std::uint32_t, PodLoopback> loopbacks;  // by the inode of the network namespace
  Extent others = Extent::kEverything;             // of devices that many share
  std::set<filter::Prefix> target_addresses;       // wanted on those
  std::set<filter::Prefix> excluded_addresses;
  std::vector<api::Target> targets;  // for people
  std::uint64_t without_link = 0;    // of the targets: their link is not found

  bool operator==(const PodPlan&) const = default;
};

/// Whether programs and file come to the same by both; what they say for people may differ.
bool records_the_same(const PodPlan& one, const PodPlan& other);

/// On the way from one to the other: `next`, but with the addresses that either wants.
PodPlan meanwhile(const PodPlan& in_force, const PodPlan& next);

/// What is known when a plan is made.
struct PodView {
  const PodMap& pods;
  const PodLinkMap& links;
  const capture::DeviceMap& devices;
  const std::set<std::uint32_t>& new_links;  // to pods not known yet: recorded
  const LinkAddresses& link_addresses;     // as found in the namespaces of such, and of pods whose
                                           // addresses have not been told yet
  const std::set<std::uint32_t>& uplinks;  // to routers: no pod's, whatever they look like
  bool loopbacks = false;                  // of targets are wanted
  const PodNetworkMap& networks;
  const SharedAddressMap& shared_addresses;
};

PodPlan plan_pods(const filter::PodFilter& filter, const PodView& view);

/// Whether the device leads to another network namespace, as a pod's link does.
bool leads_elsewhere(const capture::Device& device);

/// Whether it has, or is to have, processes and a link. An evicted one has failed before its end
/// where the kubelet is older than 1.22, which tells no containers of it any more: it may run for
/// its grace period, as long as a link of it is there.
bool is_alive(const kubernetes::Pod& pod, const PodLinkMap& links);

/// It asks to be in no record at all.
bool opts_out(const kubernetes::Pod& pod);

}  // namespace caprock::agent
