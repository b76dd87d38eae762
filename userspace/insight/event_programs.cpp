// SPDX-License-Identifier: Apache-2.0
#include "insight/event_programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <os_bpf.skel.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <initializer_list>
#include <utility>

#include "capture/libbpf_log.hpp"
#include "core/fd.hpp"
#include "core/log.hpp"
#include "core/os_event_names.hpp"

namespace caprock::insight {
namespace {

struct SkeletonDeleter {
  void operator()(os_bpf* skeleton) const { os_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<os_bpf, SkeletonDeleter>;

struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, LinkDeleter>;

constexpr std::uint32_t kReasonArgument = 3;  // of kfree_skb, from 5.17 on
constexpr std::uint32_t kErrorArgument = 3;   // of tcp_retransmit_skb, on newer kernels
constexpr std::uint32_t kQueueBytesPerCpu = 512 << 10;
constexpr std::uint32_t kMostQueueBytes = 32 << 20;

constexpr EventLimits kUsualLimits = [] {
  EventLimits limits;
  limits.fill(2000);
  for (const auto type : {OS_RETRANSMIT, OS_RESET_SENT, OS_RESET_RECEIVED, OS_DROP})
    limits[type] = 200;
  limits[OS_OPEN] = OS_MAX_SOCKETS;  // once
  return limits;
}();

/// One program, and the events that come of it.
struct Hook {
  bpf_program* program;
  std::vector<os_event_type> types;
};

std::vector<Hook> hooks_of(const os_bpf& skeleton) {
  const auto& programs = skeleton.progs;
  return {{programs.os_exec, {OS_EXEC}},
          {programs.os_exit, {OS_EXIT}},
          {programs.os_oom_kill, {OS_OOM_KILL}},
          {programs.os_state, {OS_CLOSED, OS_LISTEN, OS_CONNECT, OS_ESTABLISHED, OS_FAILED}},
          {programs.os_retransmit, {OS_RETRANSMIT}},
          {programs.os_reset_sent, {OS_RESET_SENT}},
          {programs.os_reset_got, {OS_RESET_RECEIVED}},
          {programs.os_drop, {OS_DROP}}};
}

/// "tp_btf/sched_process_exec" → "sched_process_exec".
std::string target_of(const bpf_program* program) {
  const std::string section = bpf_program__section_name(program);
  return section.substr(section.find('/') + 1);
}

class LoadedEvents final : public EventPrograms {
 public:
  LoadedEvents(Skeleton skeleton, const EventLimits& limits) : skeleton_(std::move(skeleton)) {
    for (std::size_t type = 0; type < limits.size(); ++type) {
      status_.emplace_back().name = kOsEventNames[type];
      if (limits[type] == 0) status_.back().reason = "not in agent.os.events";
    }
  }
  LoadedEvents(const LoadedEvents&) = delete;
  LoadedEvents& operator=(const LoadedEvents&) = delete;

  void attach() {
    for (const Hook& hook : hooks_of(*skeleton_)) {
      if (!bpf_program__autoload(hook.program)) {
        explain(hook, "not on this kernel");
        continue;
      }
      Link link(bpf_program__attach(hook.program));
      if (link) {
        links_.push_back(std::move(link));
        name(hook);
      } else {
        explain(hook, Error::from_errno("not on this kernel").message());
      }
    }
  }

  /// Whose the sockets are that are open already.
  Status take_inventory() {
    if (!bpf_program__autoload(skeleton_->progs.os_inventory)) return {};
    auto read = read_inventory();
    EventStatus& open = status_[OS_OPEN];
    if (!open.reason.empty()) return read;
    if (read)
      open.hook = bpf_program__section_name(skeleton_->progs.os_inventory);
    else
      open.reason = read.error().message();
    return read;
  }

  /// The kernel runs the program for each file of each task as the iterator is read.
  Status read_inventory() const {
    const Link link(bpf_program__attach_iter(skeleton_->progs.os_inventory, nullptr));
    const Fd iterator(link ? bpf_iter_create(bpf_link__fd(link.get())) : -1);
    if (!iterator) return Error::from_errno("sockets that were open before have no process");
    char nothing[64];
    ssize_t got = 0;
    do {
      got = ::read(iterator.get(), nothing, sizeof nothing);  // EAGAIN: a million files on
    } while (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)));
    if (got < 0) return Error::from_errno("not all sockets that were open before have a process");
    return {};
  }

  int events_fd() const override { return bpf_map__fd(skeleton_->maps.os_events); }

  std::vector<EventStatus> status() const override {
    std::vector<EventStatus> all = status_;
    std::vector<os_count> counts(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const int map = bpf_map__fd(skeleton_->maps.os_counts);
    for (std::uint32_t type = 0; type < all.size(); ++type) {
      if (bpf_map_lookup_elem(map, &type, counts.data()) != 0) continue;
      for (const os_count& count : counts) {
        all[type].recorded += count.recorded;
        all[type].suppressed += count.suppressed;
        all[type].lost += count.lost;
      }
    }
    return all;
  }

  std::vector<std::pair<std::string, std::uint64_t>> skipped() const override {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    for (const Hook& hook : hooks_of(*skeleton_)) {
      bpf_prog_info info{};
      __u32 bytes = sizeof info;
      const int program = bpf_program__fd(hook.program);
      if (program >= 0 && bpf_obj_get_info_by_fd(program, &info, &bytes) == 0)
        all.emplace_back(bpf_program__section_name(hook.program), info.recursion_misses);
    }
    return all;
  }

  void detach() override { links_.clear(); }

 private:
  void name(const Hook& hook) {
    for (const os_event_type type : hook.types) {
      if (status_[type].reason.empty())
        status_[type].hook = bpf_program__section_name(hook.program);
    }
  }
  void explain(const Hook& hook, const std::string& reason) {
    for (const os_event_type type : hook.types) {
      if (status_[type].reason.empty()) status_[type].reason = reason;
    }
  }

  Skeleton skeleton_;
  std::vector<EventStatus> status_;  // without counts
  std::vector<Link> links_;
};

/// Who owns a socket is known only where all of its states are followed.
bool wants_sockets(const EventLimits& limits) {
  constexpr std::array kOfSockets = {OS_LISTEN,     OS_CONNECT,    OS_ESTABLISHED,
                                     OS_FAILED,     OS_OPEN,       OS_CLOSED,
                                     OS_RETRANSMIT, OS_RESET_SENT, OS_RESET_RECEIVED};
  return std::ranges::any_of(kOfSockets, [&](auto type) { return limits[type] != 0; });
}

/// Programs of which no event is wanted, or whose tracepoint the kernel has not, are not loaded.
void choose_programs(const os_bpf& skeleton, const KernelNames& kernel, const EventLimits& limits) {
  const bool sockets = wants_sockets(limits);
  bpf_program__set_autoload(skeleton.progs.os_inventory, sockets);
  for (const Hook& hook : hooks_of(skeleton)) {
    const bool wanted =
        std::ranges::any_of(hook.types, [&](auto type) { return limits[type] != 0; }) ||
        (sockets && hook.program == skeleton.progs.os_state);
    const bool there = kernel.tracepoint_arguments(target_of(hook.program)).has_value();
    bpf_program__set_autoload(hook.program, wanted && there);
  }
  auto& constants = *skeleton.rodata;
  constants.retransmit_tells_error =
      kernel.tracepoint_arguments("tcp_retransmit_skb").value_or(0) >= kErrorArgument;
  constants.drop_tells_reason =
      kernel.tracepoint_arguments("kfree_skb").value_or(0) >= kReasonArgument;
  constants.purge_reason = kernel.drop_reason_number("QUEUE_PURGE");
  constants.victim_is_task = kernel.tracepoint_gives_structure("mark_victim");
}

std::uint32_t queue_bytes() {
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  return std::min(std::bit_ceil(cpus) * kQueueBytesPerCpu, kMostQueueBytes);
}

Status write_limits(const os_bpf& skeleton, const EventLimits& limits) {
  const int map = bpf_map__fd(skeleton.maps.os_limits);
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    if (bpf_map_update_elem(map, &type, &limits[type], BPF_ANY) != 0)
      return Error::from_errno("map os_limits");
  }
  return {};
}

}  // namespace

EventLimits usual_limits(const std::vector<std::string>& names) {
  if (names.empty()) return kUsualLimits;
  EventLimits limits{};
  for (std::size_t type = 0; type < limits.size(); ++type) {
    if (std::ranges::find(names, kOsEventNames[type]) != names.end())
      limits[type] = kUsualLimits[type];
  }
  return limits;
}

Result<std::unique_ptr<EventPrograms>> EventPrograms::load(const KernelNames& kernel,
                                                           const EventLimits& limits) {
  const capture::LibbpfLog log;
  Skeleton skeleton(os_bpf__open());
  if (!skeleton) return Error::from_errno("open the BPF object of the operating-system layer");
  choose_programs(*skeleton, kernel, limits);
  bpf_map__set_max_entries(skeleton->maps.os_events, queue_bytes());
  if (const int code = os_bpf__load(skeleton.get()); code != 0) {
    return Error::from_errno(
        fmt::format("load the programs of the operating-system layer ({})", log.summary()), -code);
  }
  if (auto written = write_limits(*skeleton, limits); !written) return std::move(written).error();
  auto events = std::make_unique<LoadedEvents>(std::move(skeleton), limits);
  events->attach();
  if (auto taken = events->take_inventory(); !taken) log_warning(taken.error().message());
  return std::unique_ptr<EventPrograms>(std::move(events));
}

}  // namespace caprock::insight
