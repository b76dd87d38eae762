// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <net/if.h>

#include <optional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "agent/interface_follower.hpp"
#include "capture/bpf_map.hpp"
#include "capture/libbpf_options.hpp"
#include "capture/privileges.hpp"
#include "pin_directory.hpp"
#include "pod_network.hpp"
#include "trivial_programs.hpp"

using namespace caprock;
using namespace caprock::agent;
using namespace caprock::test;

namespace {

template <class T>
T require(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

class DataFolder {
 public:
  DataFolder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  ~DataFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path path() const { return path_; }

 private:
  std::string path_ = "/tmp/caprock-net-test-XXXXXX";
};

std::unique_ptr<Recorder> make_recorder(const std::filesystem::path& data,
                                        const std::filesystem::path& pins) {
  if (capture::inspect_privileges().severity != Severity::kOk)
    SKIP("needs root: BPF programs cannot be loaded");
  config::Config config;
  config.agent.data_dir = data;
  config.agent.pin_dir = pins;
  config.agent.stage_bytes = 16 << 20;
  config.tap.raw_storage_bytes = 32 << 20;
  return require(Recorder::create(config, "node"));
}

FollowerSettings once() {
  FollowerSettings settings;
  settings.once = true;
  return settings;
}

/// Here the NIC is a veth as well: it has to be said that no pod is behind it.
FollowerSettings with_nic(FollowerSettings settings) {
  settings.devices[::if_nametoindex("nic")] = {
      .extent = settings.others, .pod_link = false, .description = {}};
  return settings;
}

/// A follower on a node with two pods.
class Node {
 public:
  explicit Node(Layout layout, FollowerSettings settings = once())
      : network_(layout),
        recorder_(make_recorder(data_.path(), pins_.path())),
        follower_(require(InterfaceFollower::create(*recorder_, recorder_->pin_directory(),
                                                    with_nic(std::move(settings))))) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() {
    follower_.stop();
    CHECK(recorder_->stop(Drain::kAll));
  }

  InterfaceFollower& follower() { return follower_; }

  std::optional<interface_policy> policy(const std::string& device) const {
    const capture::BpfMap map("if_policy", recorder_->programs().map_fd("if_policy"));
    const auto entries = require(map.entries());
    const std::uint32_t ifindex = ::if_nametoindex(device.c_str());
    const Bytes key = capture::object_bytes(ifindex);
    const auto found = entries.find({key.begin(), key.end()});
    if (found == entries.end()) return std::nullopt;
    return load<interface_policy>(found->second);
  }

  int mode(const std::string& device) const { return policy(device) ? policy(device)->mode : -1; }
  unsigned roles(const std::string& device) const { return policy(device)->roles; }
  std::uint16_t tunnel_port() const {
    return require(recorder_->settings().read()).tunnel_ports[0];
  }

  api::InterfaceStatus status(const std::string& device) const {
    return follower_.status().at(policy(device)->id);
  }

 private:
  PodNetwork network_;
  PinDirectory pins_;
  DataFolder data_;
  std::unique_ptr<Recorder> recorder_;
  InterfaceFollower follower_;
};

/// Goes on with whatever is attached to or detached from a device.
std::uint64_t attachment_revision(const std::string& device) {
  capture::LibbpfOptions<struct bpf_prog_query_opts> query;
  const auto ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  if (bpf_prog_query_opts(ifindex, BPF_TCX_INGRESS, query.get()) != 0) return 0;
  return query->revision;
}

constexpr unsigned kPodLink = ROLE_INTERFACE | ROLE_ONCE;
constexpr unsigned kSharedLink = kPodLink | ROLE_SHARED;

}  // namespace

TEST_CASE("follower: links to pods, shared ones, and bridges that packets come up through") {
  Node node(Layout::kBridged);
  CHECK(node.roles("pod-a") == kPodLink);
  CHECK(node.roles("nic") == kSharedLink);
  CHECK(node.roles("cni") == kPodLink);
  CHECK(node.mode("cni") == INTERFACE_OFF);
  CHECK(node.mode("pod-a") == INTERFACE_ALL);
  FollowerSettings settings = node.follower().settings();
  settings.once = false;
  node.follower().set(settings);
  CHECK(node.roles("pod-a") == ROLE_INTERFACE);
  CHECK(node.roles("nic") == ROLE_INTERFACE);
  CHECK_FALSE(node.policy("cni"));
}

TEST_CASE("follower: what is wanted of devices changes live, and what did not change stays") {
  Node node(Layout::kRouted);
  const auto a = *node.policy("pod-a");
  const auto b = *node.policy("pod-b");
  const auto lo = *node.policy("lo");
  const auto attached = attachment_revision("pod-a");
  FollowerSettings settings = node.follower().settings();
  settings.others = Extent::kTargets;
  settings.devices[::if_nametoindex("pod-a")] = {
      .extent = Extent::kNothing, .pod_link = true, .description = {}};
  node.follower().set(settings);
  CHECK(node.mode("pod-a") == INTERFACE_OFF);
  CHECK(node.mode("pod-b") == INTERFACE_ALL);
  CHECK(node.mode("lo") == INTERFACE_TARGETS);
  CHECK(node.policy("pod-a")->id == a.id);
  CHECK(node.policy("pod-b")->id == b.id);
  CHECK(node.policy("lo")->id == lo.id);

  settings.devices[::if_nametoindex("pod-a")] = {
      .extent = Extent::kEverything, .pod_link = true, .description = "pod shop/frontend-7c9"};
  node.follower().set(settings);
  CHECK(node.mode("pod-a") == INTERFACE_ALL);
  CHECK(node.policy("pod-a")->id != a.id);
  CHECK(node.policy("pod-b")->id == b.id);
  CHECK(node.status("pod-a").description == "pod shop/frontend-7c9");
  CHECK(node.status("pod-a").hook == node.follower().hook());
  CHECK(attachment_revision("pod-a") == attached);
}

TEST_CASE("follower: a device that leads to a new pod is recorded until somebody knows it") {
  FollowerSettings settings = once();
  settings.others = Extent::kTargets;
  Node node(Layout::kRouted, settings);
  run("ip link add pod-c type veth peer name late netns caprock-net-test-a && "
      "ip link set pod-c up");
  node.follower().read_events();
  CHECK(node.mode("pod-c") == INTERFACE_ALL);
  CHECK(node.roles("pod-c") == kPodLink);
  CHECK(node.follower().appeared_ns(::if_nametoindex("pod-c")) > 0);
  CHECK(node.follower().appeared_ns(::if_nametoindex("nic")) == 0);
  settings = node.follower().settings();
  settings.devices[::if_nametoindex("pod-c")] = {
      .extent = Extent::kNothing, .pod_link = true, .description = {}};
  node.follower().set(settings);
  CHECK(node.mode("pod-c") == INTERFACE_OFF);
}

TEST_CASE(
    "follower: the outside of an overlay that is recorded only later is left out from then on") {
  FollowerSettings settings = once();
  settings.wishes.overlays = true;
  Node node(Layout::kRouted, settings);
  if (attachment_revision("nic") == 0) SKIP("needs tcx, which takes so many programs and no more");
  run("ip link add flannel type vxlan id 1 dstport 8472 dev nic");
  const auto flannel = static_cast<int>(::if_nametoindex("flannel"));
  std::vector<Fd> programs, links;
  do {
    programs.push_back(load_tc_program("other"));
    links.emplace_back(bpf_link_create(programs.back().get(), flannel, BPF_TCX_INGRESS, nullptr));
  } while (links.back());
  run("ip link set flannel up");
  node.follower().read_events();
  CHECK_FALSE(node.status("flannel").error.empty());
  CHECK(node.tunnel_port() == 0);
  links.clear();
  node.follower().repair();
  CHECK(node.status("flannel").error.empty());
  CHECK(node.tunnel_port() == 8472);
}

TEST_CASE("follower: the outside of an overlay is left out while its device is recorded") {
  FollowerSettings settings = once();
  settings.wishes.overlays = true;
  Node node(Layout::kRouted, settings);
  CHECK(node.tunnel_port() == 0);
  run("ip link add flannel type vxlan id 1 dstport 8472 dev nic && ip link set flannel up");
  node.follower().read_events();
  CHECK(node.roles("flannel") == kSharedLink);
  CHECK(node.tunnel_port() == 8472);
  run("ip link set flannel down");
  node.follower().read_events();
  CHECK(node.tunnel_port() == 0);
  CHECK_FALSE(node.policy("flannel"));
}
