// SPDX-License-Identifier: Apache-2.0
#include "capture/hook_survey.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "capture/device_monitor.hpp"
#include "capture/libbpf_options.hpp"
#include "capture/program_name.hpp"
#include "capture/tc_filters.hpp"

namespace caprock::capture {
namespace {

using Names = std::vector<std::string>;

bool is_ours(std::string_view program) {
  constexpr std::string_view kPrograms[] = {"tc_ingress", "tc_egress", "capture_xdp", "mirror_xdp",
                                            "pod_ingress"};
  return std::find(std::begin(kPrograms), std::end(kPrograms), program) != std::end(kPrograms);
}

/// A filter's name has the program's id behind it: "tc_ingress:[42]".
void add(Names& names, std::string_view hook, std::string_view name) {
  const std::string_view program = name.substr(0, name.find(':'));
  if (!is_ours(program)) names.push_back(fmt::format("{} ({})", program, hook));
}

void add_links(Names& names, const Device& device, bpf_attach_type type, std::string_view hook) {
  std::array<__u32, 64> ids{};
  LibbpfOptions<struct bpf_prog_query_opts> query;
  query->prog_ids = ids.data();
  query->count = ids.size();
  if (bpf_prog_query_opts(static_cast<int>(device.ifindex), type, query.get()) != 0) return;
  for (__u32 i = 0; i < query->count; ++i)
    add(names, hook, program_name(ids[i]));
}

void add_filters(Names& names, const Device& device, caprock_direction direction,
                 std::string_view hook) {
  const auto filters = list_tc_filters(device.ifindex, direction);
  if (!filters) return;
  for (const TcFilter& filter : *filters)
    add(names, hook, filter.name.empty() ? filter.kind : filter.name);
}

void add_xdp(Names& names, const Device& device) {
  LibbpfOptions<bpf_xdp_query_opts> query;
  if (bpf_xdp_query(static_cast<int>(device.ifindex), 0, query.get()) != 0 || query->prog_id == 0)
    return;
  add(names, "XDP", program_name(query->prog_id));
}

Names programs_of_others(const Device& device) {
  Names names;
  add_xdp(names, device);
  add_links(names, device, BPF_TCX_INGRESS, "tcx ingress");
  add_links(names, device, BPF_TCX_EGRESS, "tcx egress");
  add_links(names, device, BPF_NETKIT_PRIMARY, "netkit primary");
  add_links(names, device, BPF_NETKIT_PEER, "netkit peer");
  add_filters(names, device, CAPROCK_INGRESS, "clsact ingress");
  add_filters(names, device, CAPROCK_EGRESS, "clsact egress");
  return names;
}

}  // namespace

Findings survey_hooks() {
  Findings findings;
  const auto devices = read_devices();
  if (!devices) return findings;
  for (const auto& [ifindex, device] : *devices) {
    const Names names = programs_of_others(device);
    if (names.empty()) continue;
    findings.push_back(
        {.id = "hooks." + device.name,
         .severity = Severity::kNote,
         .found = fmt::format("{}: programs of others: {}", device.name, fmt::join(names, ", ")),
         .consequence =
             "they are left alone; what an XDP program drops or redirects, and what goes around "
             "the device by redirection, is not recorded",
         .remedy = {}});
  }
  if (findings.empty())
    findings.push_back({.id = "hooks", .found = "no programs of others on any device"});
  return findings;
}

}  // namespace caprock::capture
