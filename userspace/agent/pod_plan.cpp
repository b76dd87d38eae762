// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/pod_loopback.hpp"

namespace caprock::agent {
namespace {

using kubernetes::Pod;

void add_addresses(const std::vector<std::string>& texts, std::set<filter::Prefix>& out) {
  for (const auto& text : texts)
    if (const auto address = filter::Prefix::parse(text)) out.insert(*address);
}

/// Of pods that are not being deleted, in networks of their own.
std::set<std::string> held_addresses(const PodMap& pods, const PodLinkMap& links) {
  std::set<std::string> held;
  for (const auto& [uid, pod] : pods)
    if (is_alive(pod, links) && !pod.deleting && !pod.host_network)
      held.insert(pod.addresses.begin(), pod.addresses.end());
  return held;
}

class Planner {
 public:
  Planner(const filter::PodFilter& filter, const PodView& view)
      : filter_(filter), view_(view), held_(held_addresses(view.pods, view.links)) {}

  PodPlan plan() {
    plan_.others = filter_.restricts() ? Extent::kTargets : Extent::kEverything;
    for (const auto& [ifindex, device] : view_.devices)
      if (leads_elsewhere(device)) plan_.devices.emplace(ifindex, of_no_pod(ifindex));
    add_found(view_.new_links, plan_.target_addresses);
    for (const auto& [uid, pod] : view_.pods)
      if (is_alive(pod, view_.links)) add(pod);
    std::ranges::sort(plan_.targets, {}, [](const api::Target& target) {
      return std::tie(target.namespace_name, target.pod);
    });
    return std::move(plan_);
  }

 private:
  DeviceWish of_no_pod(std::uint32_t ifindex) const {
    DeviceWish wish{.extent = plan_.others, .pod_link = false, .description = {}};
    if (view_.uplinks.contains(ifindex)) return wish;
    const bool wanted = !filter_.restricts() || view_.new_links.contains(ifindex);
    wish.extent = wanted ? Extent::kEverything : Extent::kTargets;
    wish.pod_link = true;
    return wish;
  }

  /// Where a CNI delivers past the link, what comes for a pod is met by its address alone.
  template <class Links>
  void add_found(const Links& links, std::set<filter::Prefix>& out) const {
    for (const std::uint32_t ifindex : links) {
      const auto found = view_.link_addresses.find(ifindex);
      if (found != view_.link_addresses.end()) add_addresses(found->second, out);
    }
  }

  /// What others say to a target is met on their links alone.
  Extent extent_of(const filter::PodVerdict& verdict) const {
    if (verdict.targeted) return Extent::kEverything;
    return filter_.restricts() ? Extent::kTargets : Extent::kNothing;
  }

  void add(const Pod& pod) {
    const filter::PodVerdict verdict = filter_.judge(pod);
    const auto links = links_of(pod);
    const auto addresses = addresses_of(pod);
    const auto shared = shared_addresses_of(pod);
    const bool loopback = verdict.targeted && add_loopback(pod);
    if (verdict.targeted && lacks_link(pod, addresses, links)) ++plan_.without_link;
    plan_.targets.push_back(
        {.namespace_name = pod.namespace_name,
         .pod = pod.name,
         .targeted = verdict.targeted,
         .reason = verdict.reason,
         .addresses = joined(addresses, shared),
         .interfaces = names_of(links, loopback),
         .note = verdict.targeted ? note_on(pod, addresses, links, loopback) : ""});
    for (const auto ifindex : links)
      plan_.devices[ifindex] = {.extent = extent_of(verdict),
                                .pod_link = true,
                                .description = name_of(pod),
                                .pod_end = verdict.targeted ? pod_end_of(pod) : std::nullopt};
    if (!pod.host_network && opts_out(pod)) {
      add_addresses(addresses, plan_.excluded_addresses);
      add_addresses(shared, plan_.excluded_addresses);
      if (pod.addresses.empty()) add_found(links, plan_.excluded_addresses);
    } else if (verdict.targeted) {
      add_addresses(addresses, plan_.target_addresses);
      add_addresses(shared, plan_.target_addresses);
      if (pod.addresses.empty()) add_found(links, plan_.target_addresses);
      if (pod.host_network) add_addresses({pod.host_address}, plan_.target_addresses);
    }
  }

  /// Where what comes in by the links that many share is recorded by the pods' addresses alone:
  /// a CNI's program may find a pod by another one, and send it what comes there past its link.
  std::optional<ProcessNetwork> pod_end_of(const Pod& pod) const {
    const auto network = view_.networks.find(pod.uid);
    if (!filter_.restricts() || network == view_.networks.end()) return std::nullopt;
    return network->second;
  }

  /// Whether it is recorded.
  bool add_loopback(const Pod& pod) {
    const auto network = view_.networks.find(pod.uid);
    if (!view_.loopbacks || network == view_.networks.end()) return false;
    plan_.loopbacks[network->second.inode] = {.network = network->second,
                                              .description = describe_pod_loopback(name_of(pod))};
    return true;
  }

  /// One that is being deleted has its address until another pod is given it.
  std::vector<std::string> addresses_of(const Pod& pod) const {
    std::vector<std::string> addresses = pod.addresses;
    if (pod.deleting)
      std::erase_if(addresses, [&](const auto& address) { return held_.contains(address); });
    return addresses;
  }

  std::vector<std::string> shared_addresses_of(const Pod& pod) const {
    const auto known = view_.shared_addresses.find(pod.uid);
    return known == view_.shared_addresses.end() ? std::vector<std::string>() : known->second;
  }

  static std::vector<std::string> joined(std::vector<std::string> some,
                                         const std::vector<std::string>& more) {
    for (const auto& text : more)
      if (std::ranges::find(some, text) == some.end()) some.push_back(text);
    return some;
  }

  /// Those that are still there.
  std::vector<std::uint32_t> links_of(const Pod& pod) const {
    std::vector<std::uint32_t> links;
    const auto known = view_.links.find(pod.uid);
    if (pod.host_network || known == view_.links.end()) return links;
    for (const auto ifindex : known->second)
      if (view_.devices.contains(ifindex)) links.push_back(ifindex);
    return links;
  }

  std::vector<std::string> names_of(const std::vector<std::uint32_t>& links, bool loopback) const {
    std::vector<std::string> names;
    for (const auto ifindex : links)
      names.push_back(view_.devices.at(ifindex).name);
    if (loopback) names.emplace_back("lo");
    return names;
  }

  static std::string name_of(const Pod& pod) {
    return fmt::format("pod {}/{}", pod.namespace_name, pod.name);
  }

  /// One that starts, and one whose address is another's by now, need not have any.
  static bool lacks_link(const Pod& pod, const std::vector<std::string>& addresses,
                         const std::vector<std::uint32_t>& links) {
    return !pod.host_network && !addresses.empty() && links.empty();
  }

  std::string note_on(const Pod& pod, const std::vector<std::string>& addresses,
                      const std::vector<std::uint32_t>& links, bool loopback) const {
    if (pod.host_network) return "in the host's network: recorded by the node's address";
    if (pod.addresses.empty()) return "it has no address yet";
    if (addresses.empty()) return "it is being deleted, and its address is another pod's by now";
    if (lacks_link(pod, addresses, links))
      return "no link of it is known: recorded by its address on links that others share";
    return view_.loopbacks && !loopback ? "no process of it is to be seen: not its loopback" : "";
  }

  const filter::PodFilter& filter_;
  const PodView& view_;
  const std::set<std::string> held_;
  PodPlan plan_;
};

}  // namespace

bool leads_elsewhere(const capture::Device& device) {
  return device.lower_elsewhere && is_pair(device);
}

bool is_alive(const Pod& pod, const PodLinkMap& links) {
  if (pod.phase != "Failed") return pod.phase != "Succeeded";
  const bool may_run =
      pod.containers.empty() || std::ranges::any_of(pod.containers, [](const auto& container) {
        return container.state == kubernetes::Container::State::kRunning;
      });
  return may_run && links.contains(pod.uid);
}

bool opts_out(const Pod& pod) {
  const auto annotation = pod.annotations.find(filter::kCaptureAnnotation);
  return annotation != pod.annotations.end() && annotation->second == "false";
}

bool records_the_same(const PodPlan& one, const PodPlan& other) {
  const auto recorded = [](const PodPlan& plan) {
    return std::tie(plan.devices, plan.loopbacks, plan.others, plan.target_addresses,
                    plan.excluded_addresses);
  };
  return recorded(one) == recorded(other);
}

PodPlan meanwhile(const PodPlan& in_force, const PodPlan& next) {
  PodPlan plan = next;
  plan.target_addresses.insert(in_force.target_addresses.begin(), in_force.target_addresses.end());
  return plan;
}

PodPlan plan_pods(const filter::PodFilter& filter, const PodView& view) {
  return Planner(filter, view).plan();
}

}  // namespace caprock::agent
