// SPDX-License-Identifier: Apache-2.0
// Looks at the newest part of the record again and again: which flows and processes have the
// traffic.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "agent/top_query.hpp"
#include "api/top.hpp"
#include "core/result.hpp"
#include "export/recent_owners.hpp"
#include "store/ring_view.hpp"

namespace caprock::agent {

/// Keeps the owners of flows and what it knows of the ring's segments between two looks, so that
/// only the first one reads the events of up to an hour before and goes through the ring. Reads the
/// ring's file alone: nothing of it is on the way of a packet.
class Top {
 public:
  struct Source {
    std::function<Result<store::RingView>()> open;  // called where no view is kept
    std::function<std::int64_t()> complete_until;   // wall time; waits a little for it to be now
    std::function<bool()> wanted;                   // whether somebody still waits for the report
    bool os_enabled = true;                         // whether there are events to be read
  };

  /// Any thread; one look at a time, others wait.
  Result<api::TopReport> look(const TopQuery& query, const Source& source);

  /// Gives the memory back when nobody has looked for a minute. Any thread; never waits.
  void rest();

 private:
  Result<api::TopReport> read(const TopQuery& query, const Source& source);
  void leave_off();

  std::mutex mutex_;
  std::optional<store::RingView> view_;
  std::optional<exporting::RecentOwners> owners_;  // as events up to the last look tell
  std::chrono::steady_clock::time_point last_look_;
};

}  // namespace caprock::agent
