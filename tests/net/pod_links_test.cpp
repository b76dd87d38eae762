// SPDX-License-Identifier: Apache-2.0
#include "capture/pod_links.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "capture/device_monitor.hpp"
#include "pod_network.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

namespace {

std::string link_name(const std::string& address) {
  const auto link = link_to_address(*read_devices(), address);
  if (!link) return link.error().message();
  char name[IF_NAMESIZE] = {};
  return *link ? ::if_indextoname(**link, name) : "none";
}

std::vector<std::uint32_t> links_into(const Result<std::optional<std::int32_t>>& id) {
  REQUIRE(id);
  REQUIRE(*id);
  return links_into_namespace(*read_devices(), **id);
}

}  // namespace

TEST_CASE("pod links: by route, and through a bridge as soon as that knows the pod") {
  const Layout layout = GENERATE(Layout::kRouted, Layout::kBridged);
  const PodNetwork network(layout);
  CHECK(link_name(PodNetwork::kA) == (layout == Layout::kRouted ? "pod-a" : "none"));
  const Fd listener = PodNetwork::listen("a", SOCK_STREAM, 7000);
  const Fd connection = PodNetwork::connect("", SOCK_STREAM, PodNetwork::kA, 7000);
  CHECK(link_name(PodNetwork::kA) == "pod-a");
}

TEST_CASE("pod links: no link of a pod leads to this host, to others or to nowhere") {
  const PodNetwork network(GENERATE(Layout::kRouted, Layout::kBridged));
  CHECK(link_name(PodNetwork::kNode) == "none");
  CHECK(link_name("10.1.0.77") == "none");
  CHECK(link_name("198.51.100.1") == "none");
  CHECK(link_name("2001:db8::1") == "none");
  CHECK(links_to_routers()->empty());
  run("ip route add default via 192.0.2.9");
  CHECK(*links_to_routers() == std::set<std::uint32_t>{::if_nametoindex("nic")});
  CHECK(link_name("198.51.100.1") == "none");
  CHECK(link_name("pod") == "\"pod\" is no IP address");
}

TEST_CASE("pod links: by the pod's network namespace, of which a file is open or a process known") {
  const PodNetwork network(Layout::kRouted);
  const std::vector<std::uint32_t> expected = {::if_nametoindex("pod-b")};
  const Fd file(::open(PodNetwork::file_of("b").c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(links_into(namespace_id_of_file(file.get())) == expected);

  std::promise<pid_t> inside;
  std::promise<void> asked;
  std::thread process([&] {
    const bool entered = ::setns(file.get(), CLONE_NEWNET) == 0;
    inside.set_value(entered ? ::gettid() : -1);
    asked.get_future().wait();
  });
  const auto id = namespace_id_of_process(inside.get_future().get());
  asked.set_value();
  process.join();
  CHECK(links_into(id) == expected);
}

TEST_CASE("pod links: a namespace that no device leads to has none, nor has a process that ended") {
  const NetworkNamespace node;
  run("ip netns add caprock-net-test-alone");
  const Fd file(::open("/run/netns/caprock-net-test-alone", O_RDONLY | O_CLOEXEC));
  run("ip netns del caprock-net-test-alone");
  const auto id = namespace_id_of_file(file.get());
  REQUIRE(id);
  CHECK_FALSE(*id);
  const auto ended = namespace_id_of_process(0x3fffff);
  REQUIRE(ended);
  CHECK_FALSE(*ended);
}
