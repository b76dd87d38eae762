// SPDX-License-Identifier: Apache-2.0
// The layer's programs inside of the kernel's functions: what no tracepoint tells.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "insight/event_hooks.hpp"
#include "insight/event_limits.hpp"
#include "insight/kernel_names.hpp"

struct bpf_object;

namespace caprock::insight {

/// agent.os.probes: how to get there.
enum class ProbeKind { kAuto, kFentry, kKprobe, kNone };

/// Control-plane thread.
class Probes {
 public:
  Probes() = default;

  /// Attaches to each function by the cheapest way that this machine has, with the maps
  /// of the tracepoints' object.
  Probes(ProbeKind kind, const bpf_object* tracepoints, const KernelNames& kernel,
         const EventLimits& limits, EventHooks& hooks);

  /// Whether these tell who binds and who accepts all sockets of which owners are wanted.
  bool tells_owners() const { return tells_owners_; }

  /// Whether one is in this function of the kernel's.
  bool is_in(const std::string& function) const { return functions_.contains(function); }

 private:
  struct Deleter {
    void operator()(bpf_object* object) const;
  };
  using Object = std::unique_ptr<bpf_object, Deleter>;

  Object fentry_;
  Object kprobe_;
  std::set<std::string> functions_;
  bool tells_owners_ = true;
};

}  // namespace caprock::insight
