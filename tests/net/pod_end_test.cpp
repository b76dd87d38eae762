// SPDX-License-Identifier: Apache-2.0
// The program at a pod's end of its link.
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/pod_programs.hpp"
#include "capture/privileges.hpp"
#include "capture/tc_filters.hpp"
#include "core/network_namespace.hpp"
#include "pin_directory.hpp"
#include "pod_network.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

namespace {

template <class T>
T require(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

/// A process in the namespace of a pod.
class Inhabitant {
 public:
  explicit Inhabitant(const std::string& pod) {
    std::array<int, 2> ready{};
    REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
    const Fd there(::open(PodNetwork::file_of(pod).c_str(), O_RDONLY | O_CLOEXEC));
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setns(there.get(), CLONE_NEWNET);
      [[maybe_unused]] const auto told = ::write(ready[1], "", 1);
      for (;;)
        ::pause();
    }
    const Fd from(ready[0]), to(ready[1]);
    char byte = 0;
    REQUIRE(::read(from.get(), &byte, 1) == 1);
  }
  Inhabitant(const Inhabitant&) = delete;
  Inhabitant& operator=(const Inhabitant&) = delete;
  ~Inhabitant() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  ProcessNetwork network() const { return {.inode = network_of(pid_), .pid = pid_}; }

 private:
  pid_t pid_ = -1;
};

std::size_t filters(const SelectedDevice& end) {
  std::size_t count = 0;
  REQUIRE(do_inside(*end.network,
                    [&] { count = list_tc_filters(end.device.ifindex, CAPROCK_INGRESS)->size(); }));
  return count;
}

}  // namespace

TEST_CASE("pod's end: what an agent before left there goes where nobody wants it any more") {
  if (inspect_privileges().severity != Severity::kOk) SKIP("needs root: BPF cannot be loaded");
  const PodNetwork network(Layout::kRouted);
  const Inhabitant inhabitant("a");
  const PinDirectory pins;
  const auto programs = require(Programs::load(
      {.stage_bytes = 16 << 20, .recorded_once = true, .pin_directory = pins.path()}));
  const auto inside = require(PodPrograms::load(*programs));
  const AttachOptions options{.tc = GENERATE(TcFlavour::kTcx, TcFlavour::kClsact),
                              .pin_directory = pins.path(),
                              .pod_programs = inside.get()};
  const DeviceMap devices = require(read_devices());
  const Device& link = devices.at(::if_nametoindex("pod-a"));
  const SelectedDevice end = select_pod_end(link, inhabitant.network());
  const pod_end place{.network = inhabitant.network().inode, .ifindex = link.lower};
  const std::size_t attached = options.tc == TcFlavour::kClsact ? 1 : 0;

  require(DeviceAttachment::attach(*programs, end, options)).keep();
  REQUIRE(remove_leftovers(devices, {.devices = {}, .ends = {{link.ifindex, place}}}, options));
  CHECK(filters(end) == attached);
  const auto taken_over = require(DeviceAttachment::attach(*programs, end, options));
  CHECK(taken_over.in_place());
  REQUIRE(remove_leftovers(devices, {.devices = {link.ifindex}, .ends = {}}, options));
  CHECK_FALSE(taken_over.in_place());
  CHECK(filters(end) == 0);
}
