// SPDX-License-Identifier: Apache-2.0
// The layer's programs on tracepoints that know the kernel's types (BTF), and its maps.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/fd.hpp"
#include "core/result.hpp"
#include "insight/event_hooks.hpp"
#include "insight/event_limits.hpp"
#include "insight/kernel_names.hpp"
#include "insight/probes.hpp"

struct bpf_object;
struct os_tracepoint;

namespace caprock::insight {

/// Control-plane thread, except the descriptors: any.
class Tracepoints {
 public:
  /// Programs of which no event is wanted, whose tracepoint the kernel has not, or which it refuses
  /// are not loaded. An error where the refusal is of all, or of the one by which sockets end.
  static Result<Tracepoints> load(const KernelNames& kernel, const EventLimits& limits);

  /// All that are loaded, except for attach_use().
  void attach(EventHooks& hooks) const;

  /// Those that see each call that sends or receives, for where nothing else tells who uses a
  /// socket.
  void attach_use(EventHooks& hooks) const;

  /// What these tell is theirs.
  void leave_to(const Probes& probes) const;

  /// Whether whose all sockets are can be found out.
  bool has_inventory() const;

  /// Gets ready to find out whose all sockets are, once the others are attached: those that were
  /// open before, at the first time, and all of them again later on.
  Status begin_inventory();

  /// Goes on with it, if there is one, until the queue of events is half full; true: that was all
  /// of it.
  Result<bool> take_inventory();

  /// With all maps of the layer.
  const bpf_object* object() const;

  int events_fd() const;  // the ring buffer `os_events`
  int counts_fd() const;  // the map `os_counts`

 private:
  struct Deleter {
    void operator()(os_tracepoint* skeleton) const;
  };
  using Skeleton = std::unique_ptr<os_tracepoint, Deleter>;
  using Refusals = std::map<std::string, std::string>;  // program → why
  Tracepoints(Skeleton skeleton, Refusals refusals)
      : skeleton_(std::move(skeleton)), refusals_(std::move(refusals)) {}
  static Skeleton open(const KernelNames& kernel, const EventLimits& limits,
                       const Refusals& refusals);
  void attach_all(const std::vector<EventHook>& all, EventHooks& hooks) const;
  std::string why_missing(const bpf_program* program) const;

  Skeleton skeleton_;
  Refusals refusals_;
  Fd inventory_;  // a BPF iterator, until it has come to its end
};

}  // namespace caprock::insight
