// SPDX-License-Identifier: Apache-2.0
#include "network_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>

#include <cstdlib>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {

void run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

void add_netkit(const std::string& name) {
  const std::string command = "ip link add " + name + " type netkit";
  if (std::system((command + " 2>/dev/null").c_str()) != 0) SKIP("this kernel has no netkit");
}

NetworkNamespace::NetworkNamespace()
    : outside_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  if (::unshare(CLONE_NEWNET) != 0) SKIP("needs root: a network namespace cannot be made");
}

NetworkNamespace::~NetworkNamespace() {
  ::setns(outside_.get(), CLONE_NEWNET);
}

std::uint32_t NetworkNamespace::add_veths() {
  run("ip link add va type veth peer name vb && ip link set va up && ip link set vb up");
  return ::if_nametoindex("va");
}

std::uint32_t NetworkNamespace::add_netkits() {
  add_netkit("na");
  run("ip link set nk0 name nb && ip link set na up && ip link set nb up");
  return ::if_nametoindex("na");
}

}  // namespace caprock::test
