// SPDX-License-Identifier: Apache-2.0
#include "capture/attachment.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "capture/bpf_file_system.hpp"
#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/hook_survey.hpp"
#include "capture/libbpf_options.hpp"
#include "capture/link_pins.hpp"
#include "capture/tc_filters.hpp"
#include "network_namespace.hpp"
#include "pin_directory.hpp"
#include "pod_network.hpp"
#include "trivial_programs.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

namespace {

std::vector<__u32> programs_on(std::uint32_t ifindex, bpf_attach_type type) {
  std::array<__u32, 8> ids{};
  LibbpfOptions<struct bpf_prog_query_opts> query;
  query->prog_ids = ids.data();
  query->count = ids.size();
  if (bpf_prog_query_opts(static_cast<int>(ifindex), type, query.get()) != 0) return {};
  return {ids.begin(), ids.begin() + query->count};
}

__u32 program_id(int fd) {
  bpf_prog_info info{};
  __u32 bytes = sizeof info;
  REQUIRE(bpf_prog_get_info_by_fd(fd, &info, &bytes) == 0);
  return info.id;
}

__u32 xdp_program(std::uint32_t ifindex) {
  __u32 id = 0;
  bpf_xdp_query_id(static_cast<int>(ifindex), 0, &id);
  return id;
}

void skip_without_tcx() {
  if (*probe_tc_flavour() != TcFlavour::kTcx) SKIP("this kernel has no tcx");
}

/// As the kernel describes it.
SelectedDevice selected_netkit(const std::string& name) {
  SelectedDevice selected;
  selected.device = read_devices()->at(::if_nametoindex(name.c_str()));
  return selected;
}

SelectedDevice selected(const std::string& name) {
  SelectedDevice device;
  device.device.name = name;
  device.device.ifindex = ::if_nametoindex(name.c_str());
  return device;
}

bool has_clsact(const std::string& device) {
  return std::system(("tc qdisc show dev " + device + " | grep -q clsact").c_str()) == 0;
}

void add_others_filter(const std::string& device, int program_fd) {
  LibbpfOptions<bpf_tc_hook> hook;
  hook->ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  hook->attach_point = BPF_TC_EGRESS;
  LibbpfOptions<bpf_tc_opts> options;
  options->prog_fd = program_fd;
  options->priority = 7;
  REQUIRE(bpf_tc_attach(hook.get(), options.get()) == 0);
}

}  // namespace

TEST_CASE("attachment: tcx puts our programs in front of others, and takes them away again") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  skip_without_tcx();
  const TrivialPrograms programs;
  const Fd other = load_tc_program("other");
  LibbpfOptions<bpf_link_create_opts> options;
  const Fd others_link(
      bpf_link_create(other.get(), static_cast<int>(ifindex), BPF_TCX_INGRESS, options.get()));
  REQUIRE(others_link);
  {
    const auto attachment = DeviceAttachment::attach(programs, selected("va"), {});
    REQUIRE(attachment);
    CHECK(attachment->in_place());
    CHECK(attachment->hooks() == "tcx");
    CHECK(programs_on(ifindex, BPF_TCX_INGRESS) ==
          std::vector<__u32>{program_id(programs.tc_ingress_fd()), program_id(other.get())});
    CHECK(programs_on(ifindex, BPF_TCX_EGRESS) ==
          std::vector<__u32>{program_id(programs.tc_egress_fd())});
  }
  CHECK(programs_on(ifindex, BPF_TCX_INGRESS) == std::vector<__u32>{program_id(other.get())});
  CHECK(programs_on(ifindex, BPF_TCX_EGRESS).empty());
}

TEST_CASE("attachment: loopback gets the ingress program only") {
  NetworkNamespace own;
  run("ip link set lo up");
  const TrivialPrograms programs;
  SelectedDevice lo = selected("lo");
  lo.egress = false;
  const auto attachment =
      DeviceAttachment::attach(programs, lo, {.tc = TcFlavour::kClsact, .pin_directory = {}});
  REQUIRE(attachment);
  CHECK(list_tc_filters(lo.device.ifindex, CAPROCK_INGRESS)->size() == 1);
  CHECK(list_tc_filters(lo.device.ifindex, CAPROCK_EGRESS)->empty());
}

TEST_CASE("attachment: clsact filters come and go with the qdisc") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  const TrivialPrograms programs;
  {
    const auto attachment = DeviceAttachment::attach(
        programs, selected("va"), {.tc = TcFlavour::kClsact, .pin_directory = {}});
    REQUIRE(attachment);
    CHECK(attachment->hooks() == "clsact");
    CHECK(attachment->in_place());
    const auto filters = list_tc_filters(ifindex, CAPROCK_EGRESS);
    REQUIRE(filters);
    REQUIRE(filters->size() == 1);
    CHECK(filters->front().kind == "bpf");
    CHECK(filters->front().priority == 1);
  }
  CHECK_FALSE(has_clsact("va"));
}

TEST_CASE("attachment: a clsact qdisc of others stays, and so does ours once others use it") {
  NetworkNamespace own;
  own.add_veths();
  const TrivialPrograms programs;
  const AttachOptions clsact{.tc = TcFlavour::kClsact, .pin_directory = {}};
  run("tc qdisc add dev va clsact");
  { REQUIRE(DeviceAttachment::attach(programs, selected("va"), clsact)); }
  CHECK(has_clsact("va"));
  {
    const auto attachment = DeviceAttachment::attach(programs, selected("vb"), clsact);
    REQUIRE(attachment);
    add_others_filter("vb", load_tc_program("other").get());
  }
  CHECK(has_clsact("vb"));
  CHECK(list_tc_filters(::if_nametoindex("vb"), CAPROCK_EGRESS)->size() == 1);
}

TEST_CASE("attachment: a filter that somebody deleted is noticed, and attached anew") {
  NetworkNamespace own;
  own.add_veths();
  const TrivialPrograms programs;
  const AttachOptions clsact{.tc = TcFlavour::kClsact, .pin_directory = {}};
  {
    const auto attachment = DeviceAttachment::attach(programs, selected("va"), clsact);
    REQUIRE(attachment);
    run("tc qdisc del dev va clsact");
    CHECK_FALSE(attachment->in_place());
  }
  const auto anew = DeviceAttachment::attach(programs, selected("va"), clsact);
  REQUIRE(anew);
  CHECK(anew->in_place());
}

TEST_CASE(
    "attachment: what a dead agent left is removed from devices that nobody records any more") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  const TrivialPrograms programs;
  run("tc qdisc add dev va clsact");
  // Released, not destroyed: as if the process had been killed.
  auto filter = attach_clsact(programs.tc_ingress_fd(), {ifindex, CAPROCK_INGRESS, {}});
  REQUIRE(filter);
  [[maybe_unused]] const auto* killed = filter->release();
  const AttachOptions clsact{.tc = TcFlavour::kClsact, .pin_directory = {}};
  REQUIRE(remove_leftovers(*read_devices(), {.devices = {ifindex}, .ends = {}}, clsact));
  CHECK(list_tc_filters(ifindex, CAPROCK_INGRESS)->size() == 1);
  REQUIRE(remove_leftovers(*read_devices(), {}, clsact));
  CHECK(list_tc_filters(ifindex, CAPROCK_INGRESS)->empty());
  delete killed;
}

TEST_CASE("attachment: a clsact filter is kept only where there are pins for the next agent") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  const TrivialPrograms programs;
  const bool pins = GENERATE(false, true);
  const AttachOptions options{.tc = TcFlavour::kClsact,
                              .pin_directory = pins ? "/sys/fs/bpf/caprock-none" : ""};
  {
    auto attachment = DeviceAttachment::attach(programs, selected("va"), options);
    REQUIRE(attachment);
    attachment->keep();
  }
  CHECK(list_tc_filters(ifindex, CAPROCK_INGRESS)->empty() == !pins);
  CHECK(list_tc_filters(ifindex, CAPROCK_EGRESS)->empty() == !pins);
}

TEST_CASE(
    "attachment: a device that vanished is an error with its name, and detaching from one is "
    "none") {
  NetworkNamespace own;
  own.add_veths();
  const TrivialPrograms programs;
  for (const TcFlavour tc : {TcFlavour::kTcx, TcFlavour::kClsact}) {
    if (tc == TcFlavour::kTcx) skip_without_tcx();
    run("ip link add gone type veth peer name gone2");
    const SelectedDevice device = selected("gone");
    const auto attachment =
        DeviceAttachment::attach(programs, device, {.tc = tc, .pin_directory = {}});
    REQUIRE(attachment);
    run("ip link del gone");
    CHECK_FALSE(attachment->in_place());
    const auto refused =
        DeviceAttachment::attach(programs, device, {.tc = tc, .pin_directory = {}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().starts_with("gone: "));
  }
}

TEST_CASE("attachment: XDP in the driver where it can, generic where not, tc where it is taken") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  run("ip link add br0 type bridge && ip link set br0 up");
  const TrivialPrograms programs;
  const auto with_xdp = [](const std::string& name) {
    SelectedDevice device = selected(name);
    device.ingress = IngressHook::kXdp;
    return device;
  };
  const AttachOptions options{.tc = *probe_tc_flavour(), .pin_directory = {}};
  const std::string tc = options.tc == TcFlavour::kTcx ? "tcx" : "clsact";
  {
    const auto native = DeviceAttachment::attach(programs, with_xdp("va"), options);
    REQUIRE(native);
    CHECK(native->hooks() == "xdp + " + tc);
    CHECK(xdp_program(ifindex) == program_id(programs.xdp_fd()));
    const auto generic = DeviceAttachment::attach(programs, with_xdp("br0"), options);
    REQUIRE(generic);
    CHECK(generic->hooks() == "xdp (generic) + " + tc);
  }
  CHECK(xdp_program(ifindex) == 0);

  const Fd other = load_xdp_program("other");
  REQUIRE(bpf_xdp_attach(static_cast<int>(ifindex), other.get(), 0, nullptr) == 0);
  const auto beside = DeviceAttachment::attach(programs, with_xdp("va"), options);
  REQUIRE(beside);
  CHECK(beside->hooks() == tc);
  CHECK(beside->note().starts_with("va: ingress by tc instead of XDP"));
  CHECK(xdp_program(ifindex) == program_id(other.get()));
}

TEST_CASE("attachment: a pinned link outlives its process and is taken over by the next one") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  skip_without_tcx();
  const PinDirectory pins;
  const TrivialPrograms before;
  const TrivialPrograms now;
  const AttachOptions options{.tc = TcFlavour::kTcx, .pin_directory = pins.path()};
  const pid_t killed = ::fork();
  if (killed == 0) {
    const auto attachment = DeviceAttachment::attach(before, selected("va"), options);
    ::_exit(attachment ? 0 : 1);  // as SIGKILL: nothing is destroyed
  }
  int status = -1;
  REQUIRE(::waitpid(killed, &status, 0) == killed);
  REQUIRE(status == 0);
  CHECK(programs_on(ifindex, BPF_TCX_INGRESS) ==
        std::vector<__u32>{program_id(before.tc_ingress_fd())});
  {
    const auto attachment = DeviceAttachment::attach(now, selected("va"), options);
    REQUIRE(attachment);
    CHECK(programs_on(ifindex, BPF_TCX_INGRESS) ==
          std::vector<__u32>{program_id(now.tc_ingress_fd())});
    CHECK(programs_on(ifindex, BPF_TCX_EGRESS) ==
          std::vector<__u32>{program_id(now.tc_egress_fd())});
  }
  CHECK(std::filesystem::is_empty(pins.path()));
  CHECK(programs_on(ifindex, BPF_TCX_INGRESS).empty());
}

TEST_CASE(
    "attachment: pinned links of devices that are gone or not recorded any more are discarded") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  skip_without_tcx();
  const PinDirectory pins;
  const TrivialPrograms programs;
  const AttachOptions options{.tc = TcFlavour::kTcx, .pin_directory = pins.path()};
  const auto attachment = DeviceAttachment::attach(programs, selected("va"), options);
  REQUIRE(attachment);
  REQUIRE(remove_leftovers(*read_devices(), {.devices = {ifindex}, .ends = {}}, options));
  CHECK(attachment->in_place());
  REQUIRE(remove_leftovers(*read_devices(), {}, options));
  CHECK_FALSE(attachment->in_place());
  CHECK(std::filesystem::is_empty(pins.path()));
}

TEST_CASE("attachment: netkit's own hook has our program in front of others, tcx where it leads") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_netkits();
  const TrivialPrograms programs;
  const Fd other = load_tc_program("other");
  LibbpfOptions<bpf_link_create_opts> options;
  const Fd others_link(
      bpf_link_create(other.get(), static_cast<int>(ifindex), BPF_NETKIT_PEER, options.get()));
  REQUIRE(others_link);
  {
    const auto primary = DeviceAttachment::attach(programs, selected_netkit("na"), {});
    REQUIRE(primary);
    CHECK(primary->in_place());
    CHECK(primary->hooks() == "netkit + tcx");
    CHECK(programs_on(ifindex, BPF_NETKIT_PEER) ==
          std::vector<__u32>{program_id(programs.tc_ingress_fd()), program_id(other.get())});
    CHECK(programs_on(ifindex, BPF_TCX_INGRESS).empty());
    CHECK(programs_on(ifindex, BPF_TCX_EGRESS) ==
          std::vector<__u32>{program_id(programs.tc_egress_fd())});
    REQUIRE(survey_hooks().size() == 1);
    CHECK(survey_hooks().front().found == "na: programs of others: other (netkit peer)");
  }
  CHECK(programs_on(ifindex, BPF_NETKIT_PEER) == std::vector<__u32>{program_id(other.get())});
  const auto peer = DeviceAttachment::attach(programs, selected_netkit("nb"), {});
  REQUIRE(peer);
  CHECK(peer->hooks() == "tcx");
}

TEST_CASE("attachment: a pinned link of a pod's netkit is taken over, and goes with the device") {
  const PodNetwork network(Layout::kNetkit);
  const std::uint32_t ifindex = ::if_nametoindex("pod-a");
  const PinDirectory pins;
  const TrivialPrograms before;
  const TrivialPrograms now;
  const AttachOptions options{.tc = TcFlavour::kTcx, .pin_directory = pins.path()};
  {
    auto kept = DeviceAttachment::attach(before, selected_netkit("pod-a"), options);
    REQUIRE(kept);
    kept->keep();
  }
  {
    const auto taken = DeviceAttachment::attach(now, selected_netkit("pod-a"), options);
    REQUIRE(taken);
    CHECK(programs_on(ifindex, BPF_NETKIT_PEER) ==
          std::vector<__u32>{program_id(now.tc_ingress_fd())});
    run("ip link del pod-a");
    CHECK_FALSE(taken->in_place());
  }
  CHECK(std::filesystem::is_empty(pins.path()));
}

TEST_CASE("attachment: a netkit's program stays when the other end goes into a pod") {
  const PodNetwork network(Layout::kNetkit);
  add_netkit("new");
  const TrivialPrograms programs;
  const auto attachment = DeviceAttachment::attach(programs, selected_netkit("new"), {});
  REQUIRE(attachment);
  run("ip link set nk0 netns caprock-net-test-a");
  CHECK(attachment->in_place());
  CHECK(programs_on(::if_nametoindex("new"), BPF_NETKIT_PEER) ==
        std::vector<__u32>{program_id(programs.tc_ingress_fd())});
}

TEST_CASE("hook survey: programs of others are named, ours are not") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  const TrivialPrograms programs;
  const auto ours = DeviceAttachment::attach(programs, selected("va"),
                                             {.tc = TcFlavour::kClsact, .pin_directory = {}});
  REQUIRE(ours);
  REQUIRE(survey_hooks().size() == 1);
  CHECK(survey_hooks().front().severity == Severity::kOk);

  const Fd other = load_xdp_program("firewall");
  REQUIRE(bpf_xdp_attach(static_cast<int>(ifindex), other.get(), 0, nullptr) == 0);
  add_others_filter("va", load_tc_program("shaper").get());
  const Findings findings = survey_hooks();
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().id == "hooks.va");
  CHECK(findings.front().found == "va: programs of others: firewall (XDP), shaper (clsact egress)");
}
