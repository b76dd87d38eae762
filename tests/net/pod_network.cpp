// SPDX-License-Identifier: Apache-2.0
#include "pod_network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <thread>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {
namespace {

constexpr const char* kOutsideMac = "02:00:00:00:00:09";
constexpr const char* kRemoteMac = "02:00:00:00:01:02";
constexpr std::array kNamespaces = {"a", "b", "outside"};

std::string full_name(const std::string& name) {
  return "caprock-net-test-" + name;
}

void run_in(const std::string& name, const std::string& command) {
  run(fmt::format("ip netns exec {} sh -c '{}'", full_name(name), command));
}

sockaddr_in socket_address(const char* address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  REQUIRE(::inet_pton(AF_INET, address, &where.sin_addr) == 1);
  return where;
}

/// A socket belongs to the namespace of the thread that makes it.
Fd open_socket(const std::string& where, int type) {
  int fd = -1;
  std::thread([&] {
    if (!where.empty()) {
      const Fd name_space(::open(PodNetwork::file_of(where).c_str(), O_RDONLY | O_CLOEXEC));
      if (::setns(name_space.get(), CLONE_NEWNET) != 0) return;
    }
    fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  }).join();
  REQUIRE(fd >= 0);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (type == SOCK_STREAM) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return Fd(fd);
}

void remove_namespaces() {
  for (const char* name : kNamespaces)
    [[maybe_unused]] const int status =
        std::system(fmt::format("ip netns del {} 2>/dev/null", full_name(name)).c_str());
}

}  // namespace

PodNetwork::PodNetwork(Layout layout) {
  if (std::system("nft add table ip nat 2>/dev/null") != 0)
    SKIP("needs nft, and a kernel with NAT");
  run("ip link set lo up");
  run("echo 1 > /proc/sys/net/ipv4/ip_forward");
  if (layout == Layout::kBridged) run("ip link add cni type bridge && ip link set cni up");
  if (layout == Layout::kBridged) run("ip addr add 10.1.0.1/24 dev cni");
  add_outside(layout);
  add_pod("a", kA, layout);
  add_pod("b", kB, layout);
  add_nat();
}

PodNetwork::Namespaces::~Namespaces() {
  remove_namespaces();
}

std::string PodNetwork::file_of(const std::string& name) {
  return "/run/netns/" + full_name(name);
}

void PodNetwork::add_outside(Layout layout) const {
  run(fmt::format(
      "ip netns add {0} && ip link add nic type veth peer name eth0 address {2} netns {0} "
      "&& ip addr add {1}/24 dev nic && ip link set nic up",
      full_name("outside"), kNode, kOutsideMac));
  // A node knows its gateway: what came up through a bridge and has to wait for an answer of ARP
  // is not recognised on its way out.
  if (layout == Layout::kBridged)
    run(fmt::format("ip neigh add {} lladdr {} dev nic", kOutside, kOutsideMac));
  run_in("outside", fmt::format("ip addr add {}/24 dev eth0 && ip link set eth0 up && "
                                "ip route add 10.1.0.0/24 via {}",
                                kOutside, kNode));
}

void PodNetwork::add_pod(const std::string& name, const std::string& address, Layout layout) const {
  run(
      fmt::format("ip netns add {0} && ip link add pod-{1} type veth peer name eth0 netns {0} && "
                  "ip link set pod-{1} up",
                  full_name(name), name));
  if (layout == Layout::kBridged) {
    run(fmt::format("ip link set pod-{0} master cni && bridge link set dev pod-{0} hairpin on",
                    name));
    run_in(name, fmt::format("ip addr add {}/24 dev eth0 && ip link set eth0 up && "
                             "ip route add default via 10.1.0.1",
                             address));
    return;
  }
  run(fmt::format("ip addr add 169.254.1.1/32 dev pod-{0} && ip route add {1} dev pod-{0}", name,
                  address));
  run_in(name, fmt::format("ip addr add {}/32 dev eth0 && ip link set eth0 up && "
                           "ip route add 169.254.1.1 dev eth0 && "
                           "ip route add default via 169.254.1.1",
                           address));
}

/// As kube-proxy does it: the service, a port of the node, and what needs the node's address.
/// Where bridged, that includes pods that reach each other by the service, as the answers would
/// not pass the node's NAT otherwise.
void PodNetwork::add_nat() const {
  run(fmt::format(R"(nft -f - <<RULES
table ip nat {{
  chain before {{ type nat hook prerouting priority -100;
    ip daddr {0} tcp dport 80 dnat to {1}:8080
    ip daddr {0} udp dport 80 dnat to {1}:8080
    ip daddr {2} tcp dport 30080 dnat to {1}:8080
  }}
  chain own {{ type nat hook output priority -100;
    ip daddr {0} tcp dport 80 dnat to {1}:8080
  }}
  chain behind {{ type nat hook postrouting priority 100;
    oifname nic ip saddr 10.1.0.0/24 masquerade
    oifname cni ip saddr 10.1.0.0/24 ip daddr 10.1.0.0/24 masquerade
    ip saddr {1} ip daddr {1} masquerade
  }}
}}
RULES)",
                  kService, kB, kNode));
}

void PodNetwork::add_overlay() const {
  constexpr const char* kAdd =
      "ip link add overlay address {} type vxlan id 1 dstport 8472 local {} remote {} dev {} && "
      "ip addr add {}/24 dev overlay && ip link set overlay up";
  run(fmt::format(kAdd, "02:00:00:00:01:01", kNode, kOutside, "nic", "10.2.0.1"));
  run_in("outside", fmt::format(kAdd, kRemoteMac, kOutside, kNode, "eth0", kRemote) +
                        " && ip route replace 10.1.0.0/24 via 10.2.0.1");
  run(fmt::format("ip neigh add {} lladdr {} dev overlay", kRemote,
                  kRemoteMac));  // as flannel does
}

Fd PodNetwork::listen(const std::string& where, int type, std::uint16_t port) {
  Fd socket = open_socket(where, type);
  const sockaddr_in any = socket_address("0.0.0.0", port);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

Fd PodNetwork::connect(const std::string& where, int type, const char* address,
                       std::uint16_t port) {
  Fd socket = open_socket(where, type);
  const sockaddr_in peer = socket_address(address, port);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0);
  return socket;
}

}  // namespace caprock::test
