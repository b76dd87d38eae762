// SPDX-License-Identifier: Apache-2.0
#include "insight/tracepoints.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <os_tracepoint.skel.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "capture/libbpf_log.hpp"
#include "core/log.hpp"

namespace caprock::insight {
namespace {

constexpr std::uint32_t kReasonOfDrop = 3;       // argument of kfree_skb, from 5.17 on
constexpr std::uint32_t kReasonOfReset = 3;      // of tcp_send_reset, from 6.10 on
constexpr std::uint32_t kErrorOfRetransmit = 3;  // of tcp_retransmit_skb, on newer kernels
constexpr std::uint32_t kPacketOfOverflow = 3;   // of udp_fail_queue_rcv_skb, from 6.10 on
/// In them packets end without a reason that came in order: in TIME_WAIT, or left at a socket's
/// end.
constexpr std::array kDoneWith = {"tcp_v4_rcv", "tcp_v6_rcv", "udp_destruct_common"};
constexpr std::uint32_t kQueueBytesPerCpu = 512 << 10;
constexpr std::uint32_t kMostQueueBytes = 32 << 20;

std::vector<EventHook> hooks_of(const os_tracepoint& skeleton) {
  const auto& programs = skeleton.progs;
  return {{{programs.os_exec}, {OS_EXEC}},
          {{programs.os_exit}, {OS_EXIT}},
          {{programs.os_oom_kill}, {OS_OOM_KILL}},
          {{programs.os_mkdir}, {OS_CGROUP_CREATED}},
          {{programs.os_rmdir}, {OS_CGROUP_REMOVED}},
          {{programs.os_state}, {OS_LISTEN, OS_CONNECT, OS_ESTABLISHED, OS_FAILED, OS_CLOSED}},
          {{programs.os_retransmit}, {OS_RETRANSMIT}},
          {{programs.os_synack_again}, {OS_RETRANSMIT}},
          {{programs.os_reset_sent}, {OS_RESET_SENT}},
          {{programs.os_reset_got}, {OS_RESET_RECEIVED}},
          {{programs.os_congestion}, {OS_CONGESTION}},
          {{programs.os_segment}, {OS_ZERO_WINDOW, OS_RTT}},
          {{programs.os_drop}, {OS_DROP}},
          {{programs.os_udp_overflow}, {OS_UDP_OVERFLOW}},
          {{programs.os_memory_limit}, {OS_MEMORY_LIMIT}}};
}

std::vector<EventHook> hooks_of_use(const os_tracepoint& skeleton) {
  return {{{skeleton.progs.os_send}, {OS_BIND, OS_ACCEPT}},
          {{skeleton.progs.os_receive}, {OS_BIND, OS_ACCEPT}}};
}

/// "tp_btf/sched_process_exec" → "sched_process_exec".
std::string target_of(const bpf_program* program) {
  const std::string section = bpf_program__section_name(program);
  return section.substr(section.find('/') + 1);
}

bool is_there(const EventHook& hook, const KernelNames& kernel) {
  return kernel.tracepoint_arguments(target_of(hook.programs.front())).has_value();
}

void choose_programs(const os_tracepoint& skeleton, const KernelNames& kernel,
                     const EventLimits& limits) {
  const bool owners = wants_owners(limits);
  bpf_program__set_autoload(skeleton.progs.os_inventory, owners);
  for (const EventHook& hook : hooks_of_use(skeleton))
    bpf_program__set_autoload(hook.programs.front(), owners && is_there(hook, kernel));
  for (const EventHook& hook : hooks_of(skeleton)) {
    bpf_program* const program = hook.programs.front();
    const bool wanted =
        std::ranges::any_of(hook.types, [&](auto type) { return limits[type] != 0; }) ||
        (owners && program == skeleton.progs.os_state) ||
        (program == skeleton.progs.os_drop &&
         any_wanted(limits, {OS_BAD_CHECKSUM, OS_LISTEN_OVERFLOW}));
    bpf_program__set_autoload(program, wanted && is_there(hook, kernel));
  }
}

void set_constants(os_tracepoint& skeleton, const KernelNames& kernel, const EventLimits& limits) {
  const auto has_argument = [&](const char* tracepoint, std::uint32_t number) {
    return kernel.tracepoint_arguments(tracepoint).value_or(0) >= number;
  };
  auto& constants = *skeleton.rodata;
  constants.retransmit_tells_error = has_argument("tcp_retransmit_skb", kErrorOfRetransmit);
  constants.reset_tells_reason = has_argument("tcp_send_reset", kReasonOfReset);
  constants.drop_tells_reason = has_argument("kfree_skb", kReasonOfDrop);
  constants.overflow_tells_packet = has_argument("udp_fail_queue_rcv_skb", kPacketOfOverflow);
  constants.reason_purge = kernel.drop_reason_number("QUEUE_PURGE");
  constants.reason_not_specified = kernel.drop_reason_number("NOT_SPECIFIED");
  auto* place = constants.done_with;
  for (const char* const function : kDoneWith) {
    std::tie(place->begin, place->end) = kernel.text_of(function);
    ++place;
  }
  constants.reason_tcp_checksum = kernel.drop_reason_number("TCP_CSUM");
  constants.reason_udp_checksum = kernel.drop_reason_number("UDP_CSUM");
  constants.reason_listen_overflow = kernel.drop_reason_number("TCP_LISTEN_OVERFLOW");
  constants.victim_is_task = kernel.tracepoint_gives_structure("mark_victim");
  constants.wants_rtt = limits[OS_RTT] != 0;
}

std::uint32_t queue_bytes() {
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  return std::min(std::bit_ceil(cpus) * kQueueBytesPerCpu, kMostQueueBytes);
}

/// A CPU keeps up to 128 entries of an LRU map at hand (kernel/bpf/bpf_lru_list.h): what is
/// promised of it has to be there beside these.
void make_room_for_each_cpu(const bpf_object* object) {
  constexpr std::uint32_t kAtHand = 128;
  const auto cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__type(map) == BPF_MAP_TYPE_LRU_HASH)
      bpf_map__set_max_entries(map, bpf_map__max_entries(map) + cpus * kAtHand);
  }
}

Status write_limits(const os_tracepoint& skeleton, const EventLimits& limits) {
  const int map = bpf_map__fd(skeleton.maps.os_counts);
  std::vector<os_count> counts(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    for (os_count& count : counts)
      count.limit = limits[type];
    if (bpf_map_update_elem(map, &type, counts.data(), BPF_ANY) != 0)
      return Error::from_errno("map os_counts");
  }
  return {};
}

/// What the verifier does not like it gives a reason for: that follows the error in libbpf's line.
bool concerns_all(int error, const std::string& summary) {
  return error == EPERM || error == ENOMEM || error == EMFILE || error == ENFILE ||
         (error == EACCES && summary.ends_with(std::strerror(error)));
}

/// What has no program of this name is none, or is a part of several. Records of sockets end by
/// os_state alone.
bool is_dispensable(const os_tracepoint& skeleton, const std::string& name) {
  const bpf_program* const program = bpf_object__find_program_by_name(skeleton.obj, name.c_str());
  return program != nullptr && program != skeleton.progs.os_state;
}

}  // namespace

void Tracepoints::Deleter::operator()(os_tracepoint* skeleton) const {
  os_tracepoint__destroy(skeleton);
}

/// Null: errno says why.
Tracepoints::Skeleton Tracepoints::open(const KernelNames& kernel, const EventLimits& limits,
                                        const Refusals& refusals) {
  Skeleton skeleton(os_tracepoint__open());
  if (!skeleton) return skeleton;
  choose_programs(*skeleton, kernel, limits);
  for (const auto& [program, why] : refusals)
    bpf_program__set_autoload(bpf_object__find_program_by_name(skeleton->obj, program.c_str()),
                              false);
  set_constants(*skeleton, kernel, limits);
  bpf_map__set_max_entries(skeleton->maps.os_events, queue_bytes());
  make_room_for_each_cpu(skeleton->obj);
  return skeleton;
}

/// An object is loaded as a whole: a program that the kernel refuses is left out the next time.
Result<Tracepoints> Tracepoints::load(const KernelNames& kernel, const EventLimits& limits) {
  Refusals refusals;
  while (true) {
    const capture::LibbpfLog log;
    Skeleton skeleton = open(kernel, limits, refusals);
    if (!skeleton) return Error::from_errno("open the BPF object of the operating-system layer");
    const int code = os_tracepoint__load(skeleton.get());
    if (code == 0) {
      if (auto written = write_limits(*skeleton, limits); !written)
        return std::move(written).error();
      return Tracepoints(std::move(skeleton), std::move(refusals));
    }
    const std::string program = log.program();
    if (concerns_all(-code, log.summary()) || !is_dispensable(*skeleton, program) ||
        !refusals.emplace(program, log.summary()).second)
      return Error::from_errno(
          fmt::format("load the programs of the operating-system layer ({})", log.summary()),
          -code);
    log_warning(fmt::format("events are missing: {}", log.summary()));
  }
}

/// Reasons of drops make events of their own: on kernels that tell them.
void Tracepoints::attach(EventHooks& hooks) const {
  auto all = hooks_of(*skeleton_);
  for (EventHook& hook : all) {
    if (hook.programs.front() != skeleton_->progs.os_drop) continue;
    if (skeleton_->rodata->reason_tcp_checksum != 0) hook.types.push_back(OS_BAD_CHECKSUM);
    if (skeleton_->rodata->reason_listen_overflow != 0) hook.types.push_back(OS_LISTEN_OVERFLOW);
  }
  attach_all(all, hooks);
  if (skeleton_->rodata->reason_tcp_checksum == 0)
    hooks.explain({OS_BAD_CHECKSUM}, "not on this kernel: it tells no reason of a drop");
  if (!has_inventory()) hooks.explain({OS_OPEN}, why_missing(skeleton_->progs.os_inventory));
}

void Tracepoints::attach_all(const std::vector<EventHook>& all, EventHooks& hooks) const {
  for (const EventHook& hook : all) {
    if (!bpf_program__autoload(hook.programs.front())) {
      hooks.explain(hook.types, why_missing(hook.programs.front()));
    } else if (auto attached = hooks.attach(hook); !attached) {
      hooks.explain(hook.types, "not on this kernel: " + attached.error().message());
    }
  }
}

std::string Tracepoints::why_missing(const bpf_program* program) const {
  const auto refused = refusals_.find(bpf_program__name(program));
  return refused == refusals_.end() ? "not on this kernel"
                                    : "not on this kernel: " + refused->second;
}

void Tracepoints::leave_to(const Probes& probes) const {
  auto& told = *skeleton_->bss;
  told.udp4_bind_is_told = probes.is_in("udp_v4_get_port");
  told.udp6_bind_is_told = probes.is_in("udp_v6_get_port");
  told.refusal4_is_told = probes.is_in("tcp_v4_connect");
  told.refusal6_is_told = probes.is_in("tcp_v6_connect");
}

void Tracepoints::attach_use(EventHooks& hooks) const {
  attach_all(hooks_of_use(*skeleton_), hooks);
}

bool Tracepoints::has_inventory() const {
  return bpf_program__autoload(skeleton_->progs.os_inventory);
}

Status Tracepoints::begin_inventory() {
  if (!has_inventory()) return {};
  ++skeleton_->bss->inventory_number;
  const std::unique_ptr<bpf_link, decltype(&bpf_link__destroy)> link(
      bpf_program__attach_iter(skeleton_->progs.os_inventory, nullptr), &bpf_link__destroy);
  inventory_ = Fd(link ? bpf_iter_create(bpf_link__fd(link.get())) : -1);
  if (!inventory_) return Error::from_errno("sockets that were open before have no process");
  return {};
}

/// The kernel runs the program for each file of each task as the iterator is read.
Result<bool> Tracepoints::take_inventory() {
  if (!inventory_) return true;
  char nothing[64];
  const ssize_t got = ::read(inventory_.get(), nothing, sizeof nothing);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  inventory_ = Fd();
  if (got < 0) return Error::from_errno("not all sockets that were open before have a process");
  return true;
}

const bpf_object* Tracepoints::object() const {
  return skeleton_->obj;
}

int Tracepoints::events_fd() const {
  return bpf_map__fd(skeleton_->maps.os_events);
}

int Tracepoints::counts_fd() const {
  return bpf_map__fd(skeleton_->maps.os_counts);
}

}  // namespace caprock::insight
