// SPDX-License-Identifier: Apache-2.0
// The programs for pods, on the loopback of network namespaces that other processes are in.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/block.h"

#include "capture/device_attachment.hpp"
#include "capture/map_handles.hpp"
#include "capture/pod_filters.hpp"
#include "capture/pod_programs.hpp"
#include "capture/tc_filters.hpp"
#include "core/fd.hpp"
#include "core/network_namespace.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using namespace capture;

void set_up_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

/// A process in a network namespace of its own, with loopback up.
class Pod {
 public:
  Pod() {
    std::array<int, 2> ready{};
    REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      if (::unshare(CLONE_NEWNET) == 0) set_up_loopback();
      [[maybe_unused]] const auto told = ::write(ready[1], "", 1);
      for (;;)
        ::pause();
    }
    const Fd from(ready[0]), to(ready[1]);
    char byte = 0;
    REQUIRE(::read(from.get(), &byte, 1) == 1);
    network_ = {.inode = network_of(pid_), .pid = pid_};
    REQUIRE(network_.inode != own_network());
  }
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;
  ~Pod() { end(); }

  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  const ProcessNetwork& network() const { return network_; }

  /// A datagram to its own loopback, where nobody listens: the answer is an ICMP error.
  void talk() const {
    REQUIRE(do_inside(network_, [] {
      const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(7000);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ::sendto(socket.get(), "hello", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }));
  }

  std::size_t filters() const {
    std::size_t count = 0;
    REQUIRE(do_inside(network_, [&] {
      const auto list = list_tc_filters(kLoopbackIfindex, CAPROCK_INGRESS);
      count = list ? list->size() : 0;
    }));
    return count;
  }

 private:
  pid_t pid_ = 0;
  ProcessNetwork network_;
};

void set_policy(const Rig& rig, const Pod& pod, std::uint32_t id) {
  const interface_policy policy{
      .id = id, .mode = INTERFACE_ALL, .link = LINK_ETHERNET, .roles = ROLE_INTERFACE, .port = 0};
  REQUIRE(PolicyMap(rig.programs()).set(pod.network().inode, policy));
}

void remove_policy(const Rig& rig, const Pod& pod) {
  REQUIRE(PolicyMap(rig.programs()).remove(pod.network().inode));
}

/// Of UDP; loopback has nothing else here.
std::vector<std::uint32_t> recorded_ids(Rig& rig) {
  std::vector<std::uint32_t> ids;
  for (const ByteVector& block : rig.take_blocks())
    ids.push_back(load<epb_head>(Bytes(block)).interface_id);
  std::erase(ids, Rig::kInterface);
  return ids;
}

DeviceAttachment attach(Rig& rig, const PodPrograms& programs, const Pod& pod, TcFlavour tc,
                        const std::filesystem::path& pins = {}) {
  auto attached =
      DeviceAttachment::attach(rig.programs(), select_loopback(pod.network()),
                               {.tc = tc, .pin_directory = pins, .pod_programs = &programs});
  if (!attached) FAIL(attached.error().message());
  return *std::move(attached);
}

std::unique_ptr<PodPrograms> load(const Rig& rig) {
  auto programs = PodPrograms::load(rig.programs());
  if (!programs) FAIL(programs.error().message());
  return *std::move(programs);
}

}  // namespace

TEST_CASE("pods: each has its own interface in the record, though all loopbacks have one index") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const auto programs = load(rig);
  const TcFlavour tc = GENERATE(TcFlavour::kTcx, TcFlavour::kClsact);
  const auto has = probe_tc_flavour();
  REQUIRE(has);
  if (tc == TcFlavour::kTcx && *has != tc) SKIP("this kernel has no tcx");
  const Pod one, other, stranger;
  set_policy(rig, one, 5);
  set_policy(rig, other, 6);
  {
    const auto in_one = attach(rig, *programs, one, tc);
    const auto in_other = attach(rig, *programs, other, tc);
    const auto in_stranger = attach(rig, *programs, stranger, tc);
    CHECK(in_one.in_place());
    one.talk();
    CHECK(recorded_ids(rig) == std::vector<std::uint32_t>{5, 5});  // and the ICMP error
    other.talk();
    CHECK(recorded_ids(rig) == std::vector<std::uint32_t>{6, 6});
    stranger.talk();
    CHECK(recorded_ids(rig).empty());
  }
  one.talk();
  CHECK(recorded_ids(rig).empty());
  remove_policy(rig, one);
  remove_policy(rig, other);
}

TEST_CASE("pods: a filter is put on and taken off inside, and goes with the pod") {
  Rig& rig = Rig::fresh(Transport::kStage);
  const auto programs = load(rig);
  Pod pod;
  {
    auto attachment = attach(rig, *programs, pod, TcFlavour::kClsact);
    CHECK(pod.filters() == 1);
    CHECK(attachment.in_place());
  }
  CHECK(pod.filters() == 0);
  auto attachment = attach(rig, *programs, pod, TcFlavour::kClsact);
  pod.end();
  CHECK_FALSE(attachment.in_place());
}

TEST_CASE("pods: filters that an agent before left are removed where nobody wants them any more") {
  Rig& rig = Rig::fresh(Transport::kStage);
  const auto programs = load(rig);
  const Pod pod;
  attach(rig, *programs, pod, TcFlavour::kClsact, "/sys/fs/bpf/caprock-none").keep();
  CHECK(pod.filters() == 1);
  remove_pod_filters({.devices = {pod.network().inode}, .ends = {}});
  CHECK(pod.filters() == 1);
  remove_pod_filters({});
  CHECK(pod.filters() == 0);
}

}  // namespace caprock::test
