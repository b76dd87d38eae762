// SPDX-License-Identifier: Apache-2.0
#include "insight/event_programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <tuple>
#include <utility>

#include "core/log.hpp"
#include "core/os_event_names.hpp"
#include "insight/event_hooks.hpp"
#include "insight/tracepoints.hpp"

namespace caprock::insight {
namespace {

class LoadedEvents final : public EventPrograms {
 public:
  LoadedEvents(Tracepoints tracepoints, const KernelNames& kernel, const EventLimits& limits,
               ProbeKind probes)
      : tracepoints_(std::move(tracepoints)), limits_(limits) {
    tracepoints_.attach(hooks_);
    probes_ = Probes(probes, tracepoints_.object(), kernel, limits, hooks_);
    tracepoints_.leave_to(probes_);
    if (!probes_.tells_owners()) tracepoints_.attach_use(hooks_);
    if (tracepoints_.has_inventory()) name_inventory(tracepoints_.begin_inventory());
  }

  int events_fd() const override { return tracepoints_.events_fd(); }

  std::vector<EventStatus> status() const override {
    std::vector<EventStatus> all;
    for (std::uint32_t type = 0; type < OS_EVENT_TYPES; ++type)
      all.push_back(status_of(static_cast<os_event_type>(type)));
    return all;
  }

  std::vector<std::pair<std::string, std::uint64_t>> skipped() const override {
    return hooks_.skipped();
  }

  Result<bool> take_inventory() override { return tracepoints_.take_inventory(); }
  Status begin_inventory() override { return tracepoints_.begin_inventory(); }

  void detach() override { hooks_.detach(); }

 private:
  void name_inventory(const Status& begun) {
    if (begun) return hooks_.name({OS_OPEN}, "iter/task_file");
    hooks_.explain({OS_OPEN}, begun.error().message());
    log_warning(begun.error().message());
  }

  EventStatus status_of(os_event_type type) const {
    EventStatus status;
    status.name = kOsEventNames[type];
    const EventOrigin& origin = hooks_.origin(type);
    if (limits_[type] == 0)
      status.reason = "not in agent.os.events";
    else
      std::tie(status.hook, status.reason) = std::tie(origin.hook, origin.reason);
    add_counts(type, status);
    return status;
  }

  void add_counts(std::uint32_t type, EventStatus& status) const {
    std::vector<os_count> counts(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    if (bpf_map_lookup_elem(tracepoints_.counts_fd(), &type, counts.data()) != 0) return;
    for (const os_count& count : counts) {
      status.recorded += count.recorded;
      status.suppressed += count.suppressed;
      status.lost += count.lost;
    }
  }

  Tracepoints tracepoints_;
  Probes probes_;
  EventHooks hooks_;  // detached before their programs go
  EventLimits limits_;
};

}  // namespace

Result<std::unique_ptr<EventPrograms>> EventPrograms::load(const KernelNames& kernel,
                                                           const EventLimits& limits,
                                                           ProbeKind probes) {
  auto tracepoints = Tracepoints::load(kernel, limits);
  if (!tracepoints) return std::move(tracepoints).error();
  return std::unique_ptr<EventPrograms>(
      std::make_unique<LoadedEvents>(*std::move(tracepoints), kernel, limits, probes));
}

}  // namespace caprock::insight
