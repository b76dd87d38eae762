// SPDX-License-Identifier: Apache-2.0
// Whose a TCP connection was, and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "export/socket_event.hpp"
#include "export/tenure.hpp"

namespace caprock::exporting {

class ConnectionOwners {
 public:
  static constexpr std::int64_t kLingerNs = 120'000'000'000;  // longer than TIME_WAIT

  /// What was over long before `needed_from_ns`, wall time, is not kept.
  explicit ConnectionOwners(std::int64_t needed_from_ns) : needed_from_ns_(needed_from_ns) {}

  /// Nothing is asked any more of what was over long before `needed_from_ns`. Returns how many
  /// tenures are still kept.
  std::size_t forget(std::int64_t needed_from_ns);

  /// Of an event with a flow and a process. In order of time.
  void take(const SocketEvent& event);

  /// Nothing is told from `end_ns` until `begin_ns`, when the connections that are still there are
  /// told again.
  void interrupt(std::int64_t end_ns, std::int64_t begin_ns);

  /// Who had the source's end of the flow then; null: not known. A connection is its owner's until
  /// the next one of the same ends, as its last packets come behind its end, or until nothing is
  /// told.
  const Process* of(const Flow& flow, std::int64_t time_ns) const;

 private:
  Tenure since_told(const Process& process) const;
  void begin(const SocketEvent& event);
  void accept(const SocketEvent& event);
  void find(const SocketEvent& event);
  void find_next(const SocketEvent& event, Tenures& tenures);
  void close(const SocketEvent& event);

  std::int64_t needed_from_ns_;
  std::int64_t resumed_ns_ = INT64_MIN;
  std::map<Flow, Tenures> connections_;  // of the source
};

}  // namespace caprock::exporting
