// SPDX-License-Identifier: Apache-2.0
// A node with two pods and a host outside, as Kubernetes' networks are: real namespaces, routes and
// NAT.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.hpp"
#include "network_namespace.hpp"

namespace caprock::test {

/// How the node's ends of the pods' veths are connected; kNetkit: routed, of netkits.
enum class Layout { kRouted, kBridged, kNetkit };

/// The calling thread lives on the node. Names of the node's devices: `pod-a`, `pod-b`, `nic`, and
/// `cni` where bridged. Skips the test where namespaces, NAT or netkit are not to be had. With
/// netkit there is no NAT, and so no service.
class PodNetwork {
 public:
  static constexpr const char* kA = "10.1.0.2";
  static constexpr const char* kB = "10.1.0.3";
  static constexpr const char* kService = "10.96.0.10";  // port 80, which is port 8080 of B
  static constexpr const char* kNode = "192.0.2.1";      // of whose port 30080 that holds, too
  static constexpr const char* kOutside = "192.0.2.9";   // knows the way to the pods

  /// The same of a family.
  struct Addresses {
    const char* a;
    const char* b;
    const char* service;
    const char* node;
    const char* outside;
  };
  static constexpr Addresses kIpv4{kA, kB, kService, kNode, kOutside};
  static constexpr Addresses kIpv6{"fd00:1::2", "fd00:1::3", "fd00:96::10", "2001:db8::1",
                                   "2001:db8::9"};

  /// Of IPv4; add_ipv6() adds that.
  explicit PodNetwork(Layout layout);
  void add_ipv6() const;

  /// An overlay (VXLAN) between the node and the outside, as 10.2.0.1 and kRemote there; from the
  /// outside the way to the pods goes by it. Its device is `overlay`.
  static constexpr const char* kRemote = "10.2.0.2";
  void add_overlay() const;

  /// A pair of veths on the node, as Cilium's `cilium_host` and `cilium_net`: what the node sends
  /// to pods, as kHost, goes out by `host` and comes in by `net`, where a program has to hand it
  /// on. `first` is the end with the lower index.
  static constexpr const char* kHost = "10.1.0.1";
  void add_host_pair(const std::string& first) const;

  /// A socket in the namespace "a", "b" or "outside", or "" for the node. `address` says the
  /// family, too.
  static Fd listen(const std::string& where, int type, std::uint16_t port,
                   const char* address = "0.0.0.0");
  static Fd connect(const std::string& where, int type, const char* address, std::uint16_t port);

  /// The file of a namespace.
  static std::string file_of(const std::string& name);

 private:
  struct Namespaces {
    ~Namespaces();  // removes those of the pods and of the outside
  };

  void add_outside(Layout layout) const;
  void add_pod(const std::string& name, const std::string& address, Layout layout) const;
  static void add_nat(const char* family, const Addresses& of, const char* pods);
  static void await_addresses();
  static void add_link(const std::string& name, Layout layout);

  const Layout layout_;
  NetworkNamespace node_;
  Namespaces others_;
};

}  // namespace caprock::test
