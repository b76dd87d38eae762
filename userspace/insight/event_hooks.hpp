// SPDX-License-Identifier: Apache-2.0
// Programs on their hooks, and which events come of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "abi/os_event.h"

#include "core/result.hpp"

struct bpf_link;
struct bpf_program;

namespace caprock::insight {

/// One program, or two of which one sees a function begin and the other one sees it end; and the
/// events that come of it, if any.
struct EventHook {
  std::vector<bpf_program*> programs;
  std::vector<os_event_type> types;
};

/// Where an event comes from, and why not, or why a part of it does not.
struct EventOrigin {
  std::string hook;  // "tp_btf/sched_process_exec"; empty: from nowhere
  std::string reason;
};

/// Control-plane thread, except skipped(): any. Detaches at its end.
class EventHooks {
 public:
  /// All programs of the hook, or none.
  Status attach(const EventHook& hook);

  /// Why the events do not come, of which one reason is kept.
  void explain(const std::vector<os_event_type>& types, const std::string& reason);

  /// That the events come from there, which needs no program on it.
  void name(const std::vector<os_event_type>& types, const std::string& hook);

  /// An event that nothing has been said of has neither.
  const EventOrigin& origin(os_event_type type) const { return origins_[type]; }

  /// By hook: calls at which the kernel did not run the program, as it was at work already on that
  /// CPU.
  std::vector<std::pair<std::string, std::uint64_t>> skipped() const;

  void detach();

 private:
  struct LinkDeleter {
    void operator()(bpf_link* link) const;
  };
  using Link = std::unique_ptr<bpf_link, LinkDeleter>;

  std::array<EventOrigin, OS_EVENT_TYPES> origins_;
  std::vector<const bpf_program*> attached_;
  std::vector<Link> links_;
};

}  // namespace caprock::insight
