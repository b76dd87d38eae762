// SPDX-License-Identifier: Apache-2.0
#include "capture/device_monitor.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "network_namespace.hpp"

using namespace caprock;
using namespace caprock::capture;
using caprock::test::NetworkNamespace;
using caprock::test::run;

namespace {

std::vector<std::string> descriptions(DeviceMonitor& monitor) {
  const auto changes = monitor.read_events();
  REQUIRE(changes);
  std::vector<std::string> lines;
  for (const auto& change : *changes)
    lines.push_back(describe(change));
  return lines;
}

bool contains(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

/// While it lives, no socket can be opened.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

const Device* find(const DeviceMonitor& monitor, const std::string& name) {
  for (const auto& [ifindex, device] : monitor.devices()) {
    if (device.name == name) return &device;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("devices: those that are there at the start are known, with kind, peer and state") {
  NetworkNamespace own;
  run("ip link add va type veth peer name vb && ip link set va up && ip link property add dev va "
      "altname uplink");
  const auto monitor = DeviceMonitor::open();
  REQUIRE(monitor);
  const Device* va = find(*monitor, "va");
  const Device* vb = find(*monitor, "vb");
  REQUIRE(va != nullptr);
  REQUIRE(vb != nullptr);
  CHECK(va->kind == "veth");
  CHECK(va->up);
  CHECK(va->alternative_names == std::vector<std::string>{"uplink"});
  CHECK_FALSE(vb->up);
  CHECK(va->lower == vb->ifindex);
  CHECK_FALSE(va->lower_elsewhere);
  CHECK(va->mac.size() == 17);
  REQUIRE(find(*monitor, "lo") != nullptr);
  CHECK(find(*monitor, "lo")->kind.empty());
}

TEST_CASE("devices: appearing, going up, renaming, going down and vanishing are followed") {
  NetworkNamespace own;
  auto monitor = DeviceMonitor::open();
  REQUIRE(monitor);
  CHECK(descriptions(*monitor).empty());

  run("ip link add va type veth peer name vb");
  pollfd readable{.fd = monitor->fd(), .events = POLLIN, .revents = 0};
  CHECK(::poll(&readable, 1, 1000) == 1);
  CHECK(contains(descriptions(*monitor), "va: appeared, down"));
  run("ip link set va up");
  CHECK(descriptions(*monitor).front().starts_with("va: up"));
  run("ip link set va down && ip link set va name wan");
  CHECK(contains(descriptions(*monitor), "wan: renamed from va"));
  CHECK_FALSE(find(*monitor, "wan")->up);
  run("ip link del wan");
  const auto gone = descriptions(*monitor);
  CHECK(contains(gone, "wan: gone"));
  CHECK(contains(gone, "vb: gone"));
  CHECK(monitor->devices().size() == 1);
}

TEST_CASE(
    "devices: one that moves to another namespace has vanished, and its peer knows that it is "
    "elsewhere") {
  NetworkNamespace own;
  run("ip link add va type veth peer name vb");
  auto monitor = DeviceMonitor::open();
  REQUIRE(monitor);
  run("ip netns add caprock-net-test-other && ip link set vb netns caprock-net-test-other && ip "
      "link set va up");
  const auto lines = descriptions(*monitor);
  const bool elsewhere = find(*monitor, "va") != nullptr && find(*monitor, "va")->lower_elsewhere;
  run("ip netns del caprock-net-test-other");
  CHECK(contains(lines, "vb: gone"));
  CHECK(elsewhere);
}

TEST_CASE("devices: a port that leaves its bridge is still there") {
  NetworkNamespace own;
  run("ip link add br0 type bridge && ip link add va type veth peer name vb && ip link set va "
      "master br0");
  auto monitor = DeviceMonitor::open();
  REQUIRE(monitor);
  CHECK(find(*monitor, "va")->master == find(*monitor, "br0")->ifindex);
  run("ip link set va nomaster");
  CHECK_FALSE(contains(descriptions(*monitor), "va: gone"));
  REQUIRE(find(*monitor, "va") != nullptr);
  CHECK(find(*monitor, "va")->master == 0);
}

TEST_CASE("devices: where they cannot be read anew at once, the next look does it") {
  NetworkNamespace own;
  run("ip link add va type veth peer name vb");
  auto monitor = DeviceMonitor::open();
  REQUIRE(monitor);
  const int tiny = 1;
  REQUIRE(::setsockopt(monitor->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny) == 0);
  run("for i in 1 2 3 4 5 6 7 8; do ip link set va up; ip link set va down; done; ip link del va; "
      "ip link add vc type veth peer name vd");
  {
    const NoDescriptors none;
    CHECK_FALSE(monitor->read_events());
  }
  const auto lines = descriptions(*monitor);
  CHECK(contains(lines, "va: gone"));
  CHECK(contains(lines, "vc: appeared, down"));
  CHECK(monitor->devices() == *read_devices());
}

TEST_CASE("devices: when the kernel had to drop messages the state is right all the same") {
  NetworkNamespace own;
  run("ip link add va type veth peer name vb");
  auto monitor = DeviceMonitor::open();
  REQUIRE(monitor);
  const int tiny = 1;
  REQUIRE(::setsockopt(monitor->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny) == 0);
  run("for i in 1 2 3 4 5 6 7 8; do ip link set va up; ip link set va down; done; ip link del va; "
      "ip link add vc type veth peer name vd");
  const auto lines = descriptions(*monitor);
  CHECK(contains(lines, "va: gone"));
  CHECK(contains(lines, "vc: appeared, down"));
  CHECK(monitor->devices() == *read_devices());
}
