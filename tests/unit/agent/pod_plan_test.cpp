// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_plan.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;
using namespace caprock::agent;

namespace {

constexpr std::uint32_t kNic = 2, kFrontLink = 10, kTillLink = 11, kStrangeLink = 12;

kubernetes::Pod pod(std::string namespace_name, std::string name, std::string address) {
  kubernetes::Pod pod;
  pod.uid = name + "-uid";
  pod.namespace_name = std::move(namespace_name);
  pod.name = std::move(name);
  pod.phase = "Running";
  if (!address.empty()) pod.addresses = {std::move(address)};
  return pod;
}

capture::Device device(std::uint32_t ifindex, std::string name, std::string kind) {
  capture::Device device;
  device.ifindex = ifindex;
  device.name = std::move(name);
  device.kind = std::move(kind);
  device.up = true;
  device.lower_elsewhere = device.kind == "veth";
  return device;
}

std::set<filter::Prefix> addresses(std::initializer_list<const char*> texts) {
  std::set<filter::Prefix> prefixes;
  for (const char* text : texts)
    prefixes.insert(*filter::Prefix::parse(text));
  return prefixes;
}

/// A node with two pods on links of their own, and a link of which nobody knows whose it is.
struct World {
  PodMap pods;
  PodLinkMap links;
  capture::DeviceMap devices;
  std::set<std::uint32_t> new_links, uplinks;
  LinkAddresses link_addresses;
  bool loopbacks = false;
  PodNetworkMap networks;
  SharedAddressMap shared_addresses;
  config::Tap tap;

  World() {
    for (auto& one : {device(kNic, "eth0", ""), device(kFrontLink, "veth0", "veth"),
                      device(kTillLink, "veth1", "veth"), device(kStrangeLink, "veth2", "veth")})
      devices.emplace(one.ifindex, one);
    add(pod("shop", "front", "10.0.0.7"));
    add(pod("bank", "till", "10.0.0.8"));
    links["front-uid"] = {kFrontLink};
    links["till-uid"] = {kTillLink};
  }
  void add(kubernetes::Pod pod) { pods.emplace(pod.uid, std::move(pod)); }
  PodPlan plan() const {
    return plan_pods(*filter::PodFilter::from(tap), {.pods = pods,
                                                     .links = links,
                                                     .devices = devices,
                                                     .new_links = new_links,
                                                     .link_addresses = link_addresses,
                                                     .uplinks = uplinks,
                                                     .loopbacks = loopbacks,
                                                     .networks = networks,
                                                     .shared_addresses = shared_addresses});
  }
};

api::Target target_of(const PodPlan& plan, const std::string& name) {
  for (const auto& target : plan.targets)
    if (target.pod == name) return target;
  return {};
}

}  // namespace

TEST_CASE("pod plan: without a filter everything is recorded, and links say whose they are") {
  const PodPlan plan = World().plan();
  CHECK(plan.others == Extent::kEverything);
  for (const auto link : {kFrontLink, kTillLink, kStrangeLink})
    CHECK(plan.devices.at(link).extent == Extent::kEverything);
  CHECK(plan.devices.at(kFrontLink).description == "pod shop/front");
  CHECK_FALSE(plan.devices.contains(kNic));
  CHECK(plan.target_addresses == addresses({"10.0.0.7", "10.0.0.8"}));
}

TEST_CASE("pod plan: a filter leaves the others' links out, and of shared ones all but targets") {
  World world;
  world.tap.namespaces = {"shop"};
  const PodPlan plan = world.plan();
  CHECK(plan.others == Extent::kTargets);
  CHECK(plan.devices.at(kFrontLink).extent == Extent::kEverything);
  CHECK(plan.devices.at(kTillLink).extent == Extent::kTargets);
  CHECK(plan.devices.at(kStrangeLink).extent == Extent::kTargets);
  CHECK(plan.target_addresses == addresses({"10.0.0.7"}));
  CHECK(target_of(plan, "front").interfaces == std::vector<std::string>{"veth0"});
  CHECK(target_of(plan, "till").reason == "not in tap.namespaces");
}

TEST_CASE("pod plan: a link that is new is recorded until somebody says whose it is") {
  World world;
  world.tap.namespaces = {"shop"};
  world.new_links = {kStrangeLink, kTillLink};
  const PodPlan plan = world.plan();
  CHECK(plan.devices.at(kStrangeLink).extent == Extent::kEverything);
  CHECK(plan.devices.at(kTillLink).extent == Extent::kTargets);
}

TEST_CASE("pod plan: what is new is wanted by the addresses found behind its link, too") {
  World world;
  world.tap.namespaces = {"shop"};
  world.new_links = {kStrangeLink};
  world.pods.at("front-uid").addresses.clear();
  world.pods.at("till-uid").addresses.clear();
  world.link_addresses = {{kStrangeLink, {"10.0.0.9", "fd00::9"}},
                          {kFrontLink, {"10.0.0.7"}},
                          {kTillLink, {"10.0.0.8"}}};
  CHECK(world.plan().target_addresses == addresses({"10.0.0.9", "fd00::9", "10.0.0.7"}));
  world.add(pod("shop", "other", "10.0.0.10"));
  world.new_links.clear();
  world.pods.at("front-uid").addresses = {"10.0.0.77"};
  CHECK(world.plan().target_addresses == addresses({"10.0.0.77", "10.0.0.10"}));
}

TEST_CASE("pod plan: a node's way out is no pod's, though it looks like one") {
  World world;
  world.tap.namespaces = {"shop"};
  world.uplinks = {kStrangeLink};
  CHECK(world.plan().devices.at(kStrangeLink) == DeviceWish{Extent::kTargets, false, ""});
}

TEST_CASE("pod plan: targets without a link of their own are recorded by their address") {
  World world;
  world.tap.namespaces = {"shop"};
  world.links.erase("front-uid");
  kubernetes::Pod proxy = pod("shop", "proxy", "192.168.0.1");
  proxy.host_network = true;
  proxy.host_address = "192.168.0.1";
  world.add(proxy);
  world.add(pod("shop", "starting", ""));
  const PodPlan plan = world.plan();
  CHECK(plan.target_addresses == addresses({"10.0.0.7", "192.168.0.1"}));
  CHECK(target_of(plan, "proxy").note.starts_with("in the host's network"));
  CHECK(target_of(plan, "front").note.starts_with("no link of it is known"));
  CHECK(plan.without_link == 1);
  CHECK(target_of(plan, "starting").note == "it has no address yet");
}

TEST_CASE("pod plan: of two pods with one address in sequence the one that has ended has none") {
  World world;
  world.pods.at("front-uid").phase = "Succeeded";
  world.add(pod("shop", "heir", "10.0.0.7"));
  world.links["heir-uid"] = {kFrontLink};
  const PodPlan plan = world.plan();
  CHECK(plan.devices.at(kFrontLink).description == "pod shop/heir");
  CHECK(target_of(plan, "front").pod.empty());
}

TEST_CASE("pod plan: a pod that has failed is recorded as long as it may still run") {
  World world;
  world.tap.namespaces = {"shop"};
  auto& evicted = world.pods.at("front-uid");
  evicted.phase = "Failed";
  evicted.addresses.clear();
  world.link_addresses = {{kFrontLink, {"10.0.0.7"}}};
  const auto is_recorded = [&] {
    const PodPlan plan = world.plan();
    return plan.devices.at(kFrontLink).extent == Extent::kEverything &&
           plan.target_addresses == addresses({"10.0.0.7"});
  };
  CHECK(is_recorded());  // its kubelet tells no containers any more
  evicted.containers.resize(2);
  evicted.containers[1].state = kubernetes::Container::State::kRunning;
  CHECK(is_recorded());
  evicted.containers[1].state = kubernetes::Container::State::kTerminated;
  CHECK_FALSE(is_recorded());
  evicted.containers.clear();
  world.links.erase("front-uid");
  CHECK(world.plan().target_addresses.empty());
  CHECK(target_of(world.plan(), "front").pod.empty());
}

TEST_CASE("pod plan: a pod that asks to be in no record is in none when it has failed, either") {
  World world;
  auto& evicted = world.pods.at("till-uid");
  evicted.annotations[filter::kCaptureAnnotation] = "false";
  evicted.phase = "Failed";
  evicted.addresses.clear();
  world.link_addresses = {{kTillLink, {"10.0.0.8"}}};
  const PodPlan plan = world.plan();
  CHECK(plan.devices.at(kTillLink).extent == Extent::kNothing);
  CHECK(plan.excluded_addresses == addresses({"10.0.0.8"}));
}

TEST_CASE("pod plan: of two pods with one address that which is not being deleted has it") {
  World world;
  world.tap.namespaces = {"shop"};
  auto& old = world.pods.at("front-uid");
  old.deleting = true;
  CHECK(world.plan().target_addresses == addresses({"10.0.0.7"}));
  world.add(pod("bank", "heir", "10.0.0.7"));
  const PodPlan plan = world.plan();
  CHECK(plan.target_addresses.empty());
  CHECK(plan.devices.at(kFrontLink).description == "pod shop/front");
  CHECK(target_of(plan, "front").addresses.empty());
  CHECK(target_of(plan, "front").note ==
        "it is being deleted, and its address is another pod's by now");
  CHECK(target_of(plan, "heir").addresses == std::vector<std::string>{"10.0.0.7"});

  old.annotations[filter::kCaptureAnnotation] = "false";
  CHECK(world.plan().excluded_addresses.empty());
  old.deleting = false;
  CHECK(world.plan().excluded_addresses == addresses({"10.0.0.7"}));
}

TEST_CASE("pod plan: of pods in the host's network each has the node's address to its end") {
  World world;
  world.tap.namespaces = {"shop"};
  for (const char* place : {"shop", "bank"}) {
    kubernetes::Pod proxy = pod(place, std::string(place) + "-proxy", "192.168.0.1");
    proxy.host_network = true;
    proxy.deleting = proxy.namespace_name == "shop";
    world.add(proxy);
  }
  CHECK(world.plan().target_addresses == addresses({"10.0.0.7", "192.168.0.1"}));
}

TEST_CASE("pod plan: a pod that asks for it is in nobody's record") {
  World world;
  world.pods.at("till-uid").annotations[filter::kCaptureAnnotation] = "false";
  const PodPlan plan = world.plan();
  CHECK(plan.devices.at(kTillLink).extent == Extent::kNothing);
  CHECK(plan.excluded_addresses == addresses({"10.0.0.8"}));
  CHECK(plan.others == Extent::kEverything);
}

TEST_CASE("pod plan: addresses on devices that share one of the host's are the pod's, too") {
  World world;
  world.tap.namespaces = {"shop"};
  world.shared_addresses = {{"front-uid", {"192.0.2.7", "10.0.0.7"}}};
  world.pods.at("till-uid").annotations["caprock.io/capture"] = "false";
  world.shared_addresses["till-uid"] = {"192.0.2.8"};
  const PodPlan plan = world.plan();
  CHECK(plan.target_addresses == addresses({"10.0.0.7", "192.0.2.7"}));
  CHECK(plan.excluded_addresses == addresses({"10.0.0.8", "192.0.2.8"}));
  CHECK(target_of(plan, "front").addresses == std::vector<std::string>{"10.0.0.7", "192.0.2.7"});
}

TEST_CASE("pod plan: on the way to the next one what either wants is wanted") {
  World world;
  world.tap.namespaces = {"shop"};
  const PodPlan shop = world.plan();
  world.tap.namespaces = {"bank"};
  const PodPlan bank = world.plan();
  CHECK(meanwhile(shop, bank).target_addresses == addresses({"10.0.0.7", "10.0.0.8"}));
  CHECK(meanwhile(shop, bank).devices == bank.devices);
  CHECK(records_the_same(meanwhile(shop, shop), shop));
}

TEST_CASE(
    "pod plan: the loopback of targets is recorded where it is asked for, and of others not") {
  World world;
  world.tap.namespaces = {"shop"};
  world.networks = {{"front-uid", {.inode = 4026532001, .pid = 17}},
                    {"till-uid", {.inode = 4026532002, .pid = 18}}};
  CHECK(world.plan().loopbacks.empty());
  world.loopbacks = true;
  const PodPlan plan = world.plan();
  REQUIRE(plan.loopbacks.size() == 1);
  CHECK(plan.loopbacks.at(4026532001).network.pid == 17);
  CHECK(plan.loopbacks.at(4026532001).description == "pod shop/front, loopback");
  CHECK(target_of(plan, "front").interfaces == std::vector<std::string>{"veth0", "lo"});
  CHECK(target_of(plan, "till").interfaces == std::vector<std::string>{"veth1"});
}

TEST_CASE("pod plan: what is sent past a target's link is met at its end, where addresses decide") {
  World world;
  world.networks = {{"front-uid", {.inode = 4026532001, .pid = 17}},
                    {"till-uid", {.inode = 4026532002, .pid = 18}}};
  CHECK_FALSE(world.plan().devices.at(kFrontLink).pod_end);
  world.tap.namespaces = {"shop"};
  const PodPlan plan = world.plan();
  REQUIRE(plan.devices.at(kFrontLink).pod_end);
  CHECK(plan.devices.at(kFrontLink).pod_end->pid == 17);
  CHECK_FALSE(plan.devices.at(kTillLink).pod_end);
}

TEST_CASE("pod plan: of a target without processes it says that its loopback is not recorded") {
  World world;
  world.loopbacks = true;
  CHECK(target_of(world.plan(), "front").note ==
        "no process of it is to be seen: not its loopback");
  world.networks = {{"front-uid", {.inode = 4026532001, .pid = 17}}};
  CHECK(target_of(world.plan(), "front").note.empty());
}
