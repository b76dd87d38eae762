// SPDX-License-Identifier: Apache-2.0
#include "private_network.hpp"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {
namespace {

/// With the MTU of a wire, so that large segments are segmentation offload's.
void set_up_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_mtu = 1500;
  REQUIRE(::ioctl(socket.get(), SIOCSIFMTU, &request) == 0);
  request.ifr_flags = IFF_UP;
  REQUIRE(::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0);
}

void attach(bpf_tc_attach_point point, int program) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1, .attach_point = point);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program);
  REQUIRE(bpf_tc_attach(&hook, &options) == 0);
}

}  // namespace

PrivateNetwork::PrivateNetwork(const capture::Programs& programs)
    : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  REQUIRE(::unshare(CLONE_NEWNET) == 0);
  set_up_loopback();
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1,
              .attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  REQUIRE(bpf_tc_hook_create(&hook) == 0);
  attach(BPF_TC_INGRESS, programs.tc_ingress_fd());
  attach(BPF_TC_EGRESS, programs.tc_egress_fd());
}

PrivateNetwork::~PrivateNetwork() {
  ::setns(home_.get(), CLONE_NEWNET);
}

}  // namespace caprock::test
