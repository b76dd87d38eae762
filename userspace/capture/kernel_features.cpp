// SPDX-License-Identifier: Apache-2.0
#include "capture/kernel_features.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <filesystem>
#include <fstream>

#include "capture/device_attachment.hpp"

namespace caprock::capture {
namespace {

Finding inspect_release() {
  utsname kernel{};
  ::uname(&kernel);
  return {.id = "kernel.release", .found = fmt::format("kernel {}", kernel.release)};
}

Finding inspect_btf() {
  if (std::filesystem::exists("/sys/kernel/btf/vmlinux"))
    return {.id = "kernel.btf", .found = "BTF of the kernel"};
  return {.id = "kernel.btf",
          .severity = Severity::kNote,
          .found = "no BTF of the kernel",
          .consequence =
              "packets are recorded all the same; programs that read kernel structures cannot be "
              "loaded",
          .remedy = "a kernel built with CONFIG_DEBUG_INFO_BTF"};
}

Finding inspect_jit() {
  int enabled = 1;  // network namespaces of their own do not have the file
  std::ifstream("/proc/sys/net/core/bpf_jit_enable") >> enabled;
  if (enabled != 0) return {.id = "kernel.jit", .found = "BPF programs are compiled"};
  return {.id = "kernel.jit",
          .severity = Severity::kWarning,
          .found = "BPF programs are interpreted",
          .consequence = "each packet costs several times as much",
          .remedy = "sysctl -w net.core.bpf_jit_enable=1"};
}

/// How a feature is told of, present or missing.
struct FeatureText {
  const char* id;
  const char* name;
  const char* since;
  Severity missing;
  const char* consequence;
};

Finding describe(bool present, const FeatureText& text) {
  if (present) return {.id = text.id, .found = text.name};
  return {.id = text.id,
          .severity = text.missing,
          .found = fmt::format("no {}", text.name),
          .consequence = text.consequence,
          .remedy = fmt::format("kernel {} or later", text.since)};
}

}  // namespace

KernelFeatures probe_kernel_features() {
  const auto tc = probe_tc_flavour();
  return {.ring_buffer = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) == 1,
          .tcx = tc && *tc == TcFlavour::kTcx,
          .xdp_load_bytes =
              libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, nullptr) == 1};
}

Findings describe(const KernelFeatures& features) {
  return {
      describe(features.ring_buffer, {"kernel.ring_buffer", "BPF ring buffer", "5.8",
                                      Severity::kFatal, "the programs cannot be loaded"}),
      describe(features.tcx,
               {"kernel.tcx", "tcx", "6.6", Severity::kNote,
                "the programs are clsact filters: whoever deletes them makes a gap until the agent "
                "attaches them again, within seconds"}),
      describe(features.xdp_load_bytes,
               {"kernel.xdp_load_bytes", "bpf_xdp_load_bytes", "5.18", Severity::kNote,
                "with agent.hook: xdp, frames of several buffers are recorded by tc only"})};
}

Findings inspect_kernel_files() {
  return {inspect_release(), inspect_btf(), inspect_jit()};
}

}  // namespace caprock::capture
