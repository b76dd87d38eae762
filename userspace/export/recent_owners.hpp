// SPDX-License-Identifier: Apache-2.0
// Whose the flows are that somebody looks at again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "export/aging_map.hpp"
#include "export/flow_owners.hpp"
#include "store/ring_view.hpp"

namespace caprock::exporting {

/// Owners by the events of a record that goes on and on, in bounded memory: those that the last
/// events told of, and those of flows that were asked for since. One thread at a time.
class RecentOwners {
 public:
  static constexpr std::size_t kGeneration = 262'144;  // events, of some 200 bytes at the most

  /// Events from `from_ns` on, wall time, are to be told.
  explicit RecentOwners(std::int64_t from_ns, std::size_t generation = kGeneration);

  /// Events before it are known, or not wanted.
  std::int64_t told_until_ns() const { return told_until_ns_; }
  void set_told_until(std::int64_t until_ns) { told_until_ns_ = until_ns; }

  /// Takes all events up to `until_ns`. Fails where the record cannot be read, and where `wanted`
  /// says that nobody waits for it any more; nothing is to be asked then.
  Status catch_up(const store::RingView& view, std::int64_t until_ns,
                  const std::function<bool()>& wanted);

  /// Takes what an entry tells, if anything; one before told_until_ns() is passed over. In order of
  /// time.
  void take(const pcapng::Block& journal);

  /// Who had the source's end of the flow then; null: not known. Valid until the next call.
  const Process* of(const Flow& flow, std::int64_t time_ns);

  /// The container of a process; empty: none, or not known. Valid until the next call.
  std::string_view container_of(std::uint32_t pid);

 private:
  void take_container(const pcapng::Block& journal, std::uint32_t pid);
  void age();

  std::size_t generation_;
  std::int64_t told_until_ns_;
  std::size_t taken_ = 0;  // by the younger generation
  std::unique_ptr<FlowOwners> young_;
  std::unique_ptr<FlowOwners> old_;
  AgingMap<Flow, Process> asked_for_;                // of the older one, and of those before
  AgingMap<std::uint32_t, std::string> containers_;  // by pid
};

}  // namespace caprock::exporting
