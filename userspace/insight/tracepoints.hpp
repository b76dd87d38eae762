// SPDX-License-Identifier: Apache-2.0
// The layer's programs on tracepoints that know the kernel's types (BTF), and its maps.
#pragma once

#include <memory>

#include "core/result.hpp"
#include "insight/event_hooks.hpp"
#include "insight/event_limits.hpp"
#include "insight/kernel_names.hpp"

struct bpf_object;
struct os_tracepoint;

namespace caprock::insight {

/// Control-plane thread, except the descriptors: any.
class Tracepoints {
 public:
  /// Programs of which no event is wanted, or whose tracepoint the kernel has not, are not loaded.
  static Result<Tracepoints> load(const KernelNames& kernel, const EventLimits& limits);

  /// All that are loaded, except for attach_use().
  void attach(EventHooks& hooks) const;

  /// Those that see each call that sends or receives, for where nothing else tells who uses a
  /// socket.
  void attach_use(EventHooks& hooks) const;

  /// Finds out whose the sockets are that are open already, once the others are attached.
  Status take_inventory(EventHooks& hooks) const;

  /// With all maps of the layer.
  const bpf_object* object() const;

  int events_fd() const;  // the ring buffer `os_events`
  int counts_fd() const;  // the map `os_counts`

 private:
  struct Deleter {
    void operator()(os_tracepoint* skeleton) const;
  };
  using Skeleton = std::unique_ptr<os_tracepoint, Deleter>;
  explicit Tracepoints(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
  Status read_inventory() const;

  Skeleton skeleton_;
};

}  // namespace caprock::insight
