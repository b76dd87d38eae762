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
#include <string_view>
#include <thread>
#include <utility>

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

bool is_ipv6(const char* address) {
  return std::string_view(address).find(':') != std::string_view::npos;
}

struct SocketAddress {
  SocketAddress(const char* address, std::uint16_t port) {
    const bool ipv6 = is_ipv6(address);
    auto& four = reinterpret_cast<sockaddr_in&>(storage);
    auto& six = reinterpret_cast<sockaddr_in6&>(storage);
    storage.ss_family = ipv6 ? AF_INET6 : AF_INET;
    (ipv6 ? six.sin6_port : four.sin_port) = htons(port);
    void* const into = ipv6 ? static_cast<void*>(&six.sin6_addr) : &four.sin_addr;
    REQUIRE(::inet_pton(storage.ss_family, address, into) == 1);
    bytes = ipv6 ? sizeof six : sizeof four;
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t bytes;
};

/// A socket belongs to the namespace of the thread that makes it.
Fd open_socket(const std::string& where, int family, int type) {
  int fd = -1;
  std::thread([&] {
    if (!where.empty()) {
      const Fd name_space(::open(PodNetwork::file_of(where).c_str(), O_RDONLY | O_CLOEXEC));
      if (::setns(name_space.get(), CLONE_NEWNET) != 0) return;
    }
    fd = ::socket(family, type | SOCK_CLOEXEC, 0);
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

PodNetwork::PodNetwork(Layout layout) : layout_(layout) {
  const bool nat = layout != Layout::kNetkit;
  if (nat && std::system("nft add table ip nat 2>/dev/null") != 0)
    SKIP("needs nft, and a kernel with NAT");
  run("ip link set lo up");
  run("echo 1 > /proc/sys/net/ipv4/ip_forward");
  if (layout == Layout::kBridged) run("ip link add cni type bridge && ip link set cni up");
  if (layout == Layout::kBridged) run("ip addr add 10.1.0.1/24 dev cni");
  add_outside(layout);
  add_pod("a", kA, layout);
  add_pod("b", kB, layout);
  if (nat) add_nat("ip", kIpv4, "10.1.0.0/24");
}

void PodNetwork::add_ipv6() const {
  if (std::system("nft add table ip6 nat 2>/dev/null") != 0)
    SKIP("needs a kernel with NAT of IPv6");
  run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
  run(fmt::format("ip addr add {}/64 dev nic nodad", kIpv6.node));
  run_in("outside",
         fmt::format("ip addr add {}/64 dev eth0 nodad && ip route add fd00:1::/64 via {}",
                     kIpv6.outside, kIpv6.node));
  if (layout_ == Layout::kBridged) {
    run(fmt::format("ip neigh add {} lladdr {} dev nic", kIpv6.outside, kOutsideMac));
    run("ip addr add fd00:1::1/64 dev cni nodad");
  }
  for (const auto& [name, address] : {std::pair("a", kIpv6.a), std::pair("b", kIpv6.b)}) {
    if (layout_ == Layout::kBridged) {
      run_in(name, fmt::format("ip addr add {}/64 dev eth0 nodad && "
                               "ip route add default via fd00:1::1",
                               address));
      continue;
    }
    run(fmt::format("ip addr add fe80::1/64 dev pod-{0} nodad && ip route add {1} dev pod-{0}",
                    name, address));
    run_in(name, fmt::format("ip addr add {}/128 dev eth0 nodad && "
                             "ip route add default via fe80::1 dev eth0",
                             address));
  }
  add_nat("ip6", kIpv6, "fd00:1::/64");
  await_addresses();
}

/// Until the kernel has found out that each link-local address is nobody else's: before, a SYN may
/// have to be sent again.
void PodNetwork::await_addresses() {
  constexpr const char* kAwait =
      "for i in $(seq 100); do test -z \"$(ip -6 address show tentative)\" && exit 0; sleep 0.1; "
      "done; exit 1";
  run(kAwait);
  for (const char* name : {"a", "b", "outside"})
    run_in(name, kAwait);
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
  run("ip netns add " + full_name(name));
  add_link(name, layout);
  run(fmt::format("ip link set pod-{} up", name));
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

void PodNetwork::add_link(const std::string& name, Layout layout) {
  const std::string link = "pod-" + name;
  if (layout == Layout::kNetkit) {
    add_netkit(link);
    run(fmt::format("ip link set nk0 netns {} name eth0", full_name(name)));
  } else {
    run(fmt::format("ip link add {} type veth peer name eth0 netns {}", link, full_name(name)));
  }
}

/// As kube-proxy does it: the service, a port of the node, and what needs the node's address.
/// Where bridged, that includes pods that reach each other by the service, as the answers would
/// not pass the node's NAT otherwise.
void PodNetwork::add_nat(const char* family, const Addresses& of, const char* pods) {
  const bool ipv6 = is_ipv6(of.b);
  run(fmt::format(R"(nft -f - <<RULES
table {0} nat {{
  chain before {{ type nat hook prerouting priority -100;
    {0} daddr {1} tcp dport 80 dnat to {2}:8080
    {0} daddr {1} udp dport 80 dnat to {2}:8080
    {0} daddr {4} tcp dport 30080 dnat to {2}:8080
  }}
  chain own {{ type nat hook output priority -100;
    {0} daddr {1} tcp dport 80 dnat to {2}:8080
  }}
  chain behind {{ type nat hook postrouting priority 100;
    oifname nic {0} saddr {5} masquerade
    oifname cni {0} saddr {5} {0} daddr {5} masquerade
    {0} saddr {3} {0} daddr {3} masquerade
  }}
}}
RULES)",
                  family, of.service, ipv6 ? fmt::format("[{}]", of.b) : of.b, of.b, of.node,
                  pods));
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

void PodNetwork::add_host_pair(const std::string& first) const {
  constexpr const char* kNetMac = "02:00:00:00:02:02";
  // Of the two ends the kernel makes the one that is called the peer first.
  run(
      fmt::format("ip link add {} type veth peer name {} && ip link set net address {} && "
                  "ip addr add {}/32 dev host && ip link set host up && ip link set net up",
                  first == "net" ? "host" : "net", first, kNetMac, kHost));
  for (const char* pod : {kA, kB})
    run(
        fmt::format("ip neigh add {0} lladdr {1} dev host && "
                    "ip route replace {0} dev host src {2}",
                    pod, kNetMac, kHost));
  run("for any in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $any; done");
}

Fd PodNetwork::listen(const std::string& where, int type, std::uint16_t port, const char* address) {
  const SocketAddress any(address, port);
  Fd socket = open_socket(where, any.storage.ss_family, type);
  REQUIRE(::bind(socket.get(), any.get(), any.bytes) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

Fd PodNetwork::connect(const std::string& where, int type, const char* address,
                       std::uint16_t port) {
  const SocketAddress peer(address, port);
  Fd socket = open_socket(where, peer.storage.ss_family, type);
  REQUIRE(::connect(socket.get(), peer.get(), peer.bytes) == 0);
  return socket;
}

}  // namespace caprock::test
