// SPDX-License-Identifier: Apache-2.0
#include "insight/probes.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <os_fentry.skel.h>
#include <os_kprobe.skel.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "capture/libbpf_log.hpp"

namespace caprock::insight {
namespace {

/// A function of the kernel. Each way to get there has a program on it, or two.
struct Probe {
  std::string function;
  std::string_view suffix;  // of the programs' names
  os_event_type type;
  std::string_view part;      // of the type's events that it tells; empty: all
  bool owner = false;         // whether sockets would have no owner without it
  std::string refusals = {};  // "fexit/inet_csk_get_port: Operation not permitted"
  bool attached = false;
};

std::vector<Probe> probes_for(const EventLimits& limits) {
  std::vector<Probe> probes;
  if (wants_owners(limits)) {
    probes.push_back({"inet_csk_get_port", "_tcp_port", OS_BIND, "of TCP"});
    probes.push_back({"udp_v4_get_port", "_udp_port", OS_BIND, "of UDP over IPv4", true});
    probes.push_back({"udp_v6_get_port", "_udp6_port", OS_BIND, "of UDP over IPv6", true});
    probes.push_back({"udp_lib_unhash", "_udp_end", OS_CLOSED, "of UDP"});
    probes.push_back({"security_sock_graft", "_accept", OS_ACCEPT, "", true});
  }
  if (any_wanted(limits, {OS_FAILED})) {
    probes.push_back({"tcp_v4_connect", "_connect", OS_FAILED, "at once, over IPv4"});
    probes.push_back({"tcp_v6_connect", "_connect6", OS_FAILED, "at once, over IPv6"});
  }
  if (any_wanted(limits, {OS_LISTEN_OVERFLOW})) {
    probes.push_back({"tcp_conn_request", "_request", OS_LISTEN_OVERFLOW, "at the SYN"});
    probes.push_back({"cookie_v4_init_sequence", "_cookie", OS_LISTEN_OVERFLOW, "of IPv4's SYNs"});
    probes.push_back({"cookie_v6_init_sequence", "_cookie6", OS_LISTEN_OVERFLOW, "of IPv6's SYNs"});
  }
  return probes;
}

void refuse(Probe& probe, std::string_view reason) {
  probe.refusals += fmt::format("{}{}", probe.refusals.empty() ? "" : ", ", reason);
}

std::vector<bpf_program*> programs_of(const Probe& probe, bpf_object* object) {
  std::vector<bpf_program*> programs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (std::string_view(bpf_program__name(program)).ends_with(probe.suffix))
      programs.push_back(program);
  }
  return programs;
}

/// The maps are those that another object has by the same names.
int share_maps(bpf_object* object, const bpf_object* with) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const bpf_map* const other = bpf_object__find_map_by_name(with, bpf_map__name(map));
    if (other == nullptr) continue;
    if (const int code = bpf_map__reuse_fd(map, bpf_map__fd(other)); code != 0) return code;
  }
  return 0;
}

/// Programs of those probes that `wanted` is true for.
template <class Predicate>
void choose_programs(bpf_object* object, const std::vector<Probe>& probes, Predicate wanted) {
  for (const Probe& probe : probes) {
    for (bpf_program* program : programs_of(probe, object))
      bpf_program__set_autoload(program, wanted(probe));
  }
}

/// Loads what was chosen, and attaches it.
void attach_chosen(bpf_object* object, const bpf_object* tracepoints, std::vector<Probe>& probes,
                   EventHooks& hooks) {
  const capture::LibbpfLog log;
  const int shared = share_maps(object, tracepoints);
  const int loaded = shared == 0 ? bpf_object__load(object) : shared;
  for (Probe& probe : probes) {
    const auto programs = programs_of(probe, object);
    if (!bpf_program__autoload(programs.front())) continue;
    if (loaded != 0) {
      refuse(probe, log.summary());
      continue;
    }
    const auto attached = hooks.attach({.programs = programs, .types = {probe.type}});
    probe.attached = static_cast<bool>(attached);
    if (!attached) refuse(probe, attached.error().message());
  }
}

void explain(const Probe& probe, ProbeKind kind, EventHooks& hooks) {
  std::string why = probe.refusals;
  if (why.empty()) why = "it has no function " + probe.function;
  hooks.explain({probe.type}, fmt::format("{}{}{}", probe.part, probe.part.empty() ? "" : ": ",
                                          kind == ProbeKind::kNone ? "agent.os.probes is none"
                                                                   : "not on this kernel: " + why));
}

using ElfBytes = const void* (*)(std::size_t*);

bpf_object* open(ElfBytes bytes_of) {
  std::size_t size = 0;
  const void* const bytes = bytes_of(&size);
  return bpf_object__open_mem(bytes, size, nullptr);
}

}  // namespace

void Probes::Deleter::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

Probes::Probes(ProbeKind kind, const bpf_object* tracepoints, const KernelNames& kernel,
               const EventLimits& limits, EventHooks& hooks) {
  auto probes = probes_for(limits);
  if (kind == ProbeKind::kAuto || kind == ProbeKind::kFentry) {
    fentry_.reset(open(&os_fentry__elf_bytes));
    choose_programs(fentry_.get(), probes,
                    [&](const Probe& probe) { return kernel.has_function(probe.function); });
    attach_chosen(fentry_.get(), tracepoints, probes, hooks);
  }
  if (kind == ProbeKind::kAuto || kind == ProbeKind::kKprobe) {
    kprobe_.reset(open(&os_kprobe__elf_bytes));
    choose_programs(kprobe_.get(), probes, [](const Probe& probe) { return !probe.attached; });
    attach_chosen(kprobe_.get(), tracepoints, probes, hooks);
  }
  for (Probe& probe : probes) {
    tells_owners_ = tells_owners_ && (probe.attached || !probe.owner);
    if (probe.attached)
      functions_.insert(probe.function);
    else
      explain(probe, kind, hooks);
  }
}

}  // namespace caprock::insight
