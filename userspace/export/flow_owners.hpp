// SPDX-License-Identifier: Apache-2.0
// Whose a connection was, and when, as the record's events tell.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "export/packet_flow.hpp"
#include "pcapng/reader.hpp"
#include "store/ring_view.hpp"

namespace caprock::exporting {

struct Owner {
  std::int64_t begin_ns = 0;  // wall time from which on it was
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  std::string comm;
};

class FlowOwners {
 public:
  /// By the events from `from_ns` to `to_ns`, wall time. Any thread; takes the view for itself.
  static Result<FlowOwners> read(const store::RingView& view, std::int64_t from_ns,
                                 std::int64_t to_ns);

  /// Takes what an entry tells, if anything. In order of time.
  void take(const pcapng::Block& journal);

  /// Who had the source's end of the flow then; null: not known.
  const Owner* of(const Flow& flow, std::int64_t time_ns) const;

 private:
  std::map<Flow, std::vector<Owner>> owners_;  // of the source; by begin
};

}  // namespace caprock::exporting
