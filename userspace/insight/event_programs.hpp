// SPDX-License-Identifier: Apache-2.0
// The programs of the operating-system layer, on their hooks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "insight/event_limits.hpp"
#include "insight/kernel_names.hpp"
#include "insight/probes.hpp"

namespace caprock::insight {

struct EventStatus {
  std::string name;
  std::string hook;    // "tp_btf/sched_process_exec"; empty: it is not recorded
  std::string reason;  // why not, or what it lacks
  std::uint64_t recorded = 0;
  std::uint64_t suppressed = 0;  // above the limit
  std::uint64_t lost = 0;        // no room on the way to the agent
};

/// Attached from load() until detach() or the end of this. What this kernel has no hook for is left
/// out, and the status says so. Control-plane thread, except status() and fd(): any.
class EventPrograms {
 public:
  static Result<std::unique_ptr<EventPrograms>> load(const KernelNames& kernel,
                                                     const EventLimits& limits, ProbeKind probes);
  virtual ~EventPrograms() = default;

  /// Of the ring buffer `os_events`.
  virtual int events_fd() const = 0;

  /// By enum os_event_type.
  virtual std::vector<EventStatus> status() const = 0;

  /// By hook: calls at which the kernel did not run the program, as it was at work already on that
  /// CPU.
  virtual std::vector<std::pair<std::string, std::uint64_t>> skipped() const = 0;

  /// Finds out whose the sockets are that were open before, until the queue is half full; true:
  /// that was all of it. To be called until it is, by one thread.
  virtual Result<bool> take_inventory() = 0;

  /// For take_inventory() to tell of all sockets that are open, as a reader of a later time would
  /// not find what was told at the start. The same thread.
  virtual Status begin_inventory() = 0;

  /// No event comes any more once the programs that run have ended.
  virtual void detach() = 0;
};

}  // namespace caprock::insight
