// SPDX-License-Identifier: Apache-2.0
#include "host_routing.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <host_routing_bpf.skel.h>
#include <net/if.h>

#include <array>

#include <catch2/catch_test_macros.hpp>

#include "network_namespace.hpp"

namespace caprock::test {

HostRouting::HostRouting() : skeleton_(host_routing_bpf__open_and_load()) {
  REQUIRE(skeleton_ != nullptr);
}

HostRouting::~HostRouting() {
  host_routing_bpf__destroy(skeleton_);
}

void HostRouting::attach(const std::string& device) const {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(::if_nametoindex(device.c_str())),
              .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(skeleton_->progs.host_routing),
              .priority = 7);
  run("tc qdisc replace dev " + device + " clsact");
  REQUIRE(bpf_tc_attach(&hook, &options) == 0);
}

void HostRouting::attach_netkit(const std::string& device) {
  LIBBPF_OPTS(bpf_link_create_opts, options);
  const int ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  links_.emplace_back(bpf_link_create(bpf_program__fd(skeleton_->progs.host_routing), ifindex,
                                      BPF_NETKIT_PEER, &options));
  REQUIRE(links_.back());
}

void HostRouting::route_into_pod(const std::string& address, const std::string& link) const {
  route(address, link, true);
}

void HostRouting::route_out(const std::string& address, const std::string& nic) const {
  route(address, nic, false);
}

std::uint64_t HostRouting::packets() const {
  return skeleton_->bss->packets;
}

void HostRouting::route(const std::string& address, const std::string& device, bool to_pod) const {
  in_addr key{};
  REQUIRE(::inet_pton(AF_INET, address.c_str(), &key) == 1);
  const std::array<__u32, 2> value = {::if_nametoindex(device.c_str()), to_pod};
  REQUIRE(bpf_map__update_elem(skeleton_->maps.routes, &key, sizeof key, value.data(), sizeof value,
                               BPF_ANY) == 0);
}

}  // namespace caprock::test
