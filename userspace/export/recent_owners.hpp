// SPDX-License-Identifier: Apache-2.0
// Whose the flows are that somebody looks at again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.hpp"
#include "export/flow_owners.hpp"
#include "store/ring_view.hpp"

namespace caprock::exporting {

/// Owners by the events of a record that goes on and on: what is over is forgotten from one look to
/// the next, at once where room is needed, and where too much is there, all sockets are. One thread
/// at a time.
class RecentOwners {
 public:
  /// Events from `from_ns` on, wall time, are to be told.
  explicit RecentOwners(std::int64_t from_ns,
                        std::size_t max_tenures = FlowOwners::most_tenures() / 2);

  /// Events before it are known, or not wanted.
  std::int64_t told_until_ns() const { return told_until_ns_; }
  void set_told_until(std::int64_t until_ns) { told_until_ns_ = until_ns; }

  /// Takes all events up to `until_ns`. Nothing is asked any more of what was over a minute before:
  /// so long a window can another look have. Fails where the record cannot be read, and where
  /// `wanted` says that nobody waits for it any more.
  Status catch_up(const store::RingView& view, std::int64_t until_ns,
                  const std::function<bool()>& wanted);

  /// Somebody has left off telling: what comes after the event that was taken last is to be told
  /// yet.
  void leave_off();

  /// Takes what an entry tells, if anything; one before told_until_ns() is passed over. In order of
  /// time.
  void take(const pcapng::Block& journal);

  /// Who had the source's end of the flow then; null: not known. Valid until the next take().
  const Process* of(const Flow& flow, std::int64_t time_ns) const;

  /// The container of a process; empty: none, or not known. Valid until the next take().
  std::string_view container_of(std::uint32_t pid) const;

  /// Its pod: "shop/frontend-7c9"; the same.
  std::string_view pod_of(std::uint32_t pid) const;

 private:
  struct Container {
    std::string id;
    std::string pod;
    std::int64_t end_ns = INT64_MAX;  // of the process
  };

  void take_container(const pcapng::Block& journal, std::uint32_t pid, std::int64_t time_ns);
  void forget();
  void forget(std::int64_t needed_from_ns);
  bool is_half_free() const;

  std::size_t max_tenures_;
  std::int64_t told_until_ns_;
  std::int64_t last_taken_ns_ = INT64_MIN;
  std::int64_t needed_from_ns_;
  std::size_t tenures_ = 0;  // at the most
  FlowOwners owners_;
  std::unordered_map<std::uint32_t, Container> containers_;  // by pid
};

}  // namespace caprock::exporting
