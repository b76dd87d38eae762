// SPDX-License-Identifier: Apache-2.0
// Follows a ring while it is being written, as one endless pcapng stream in time order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/result.hpp"
#include "export/sink.hpp"
#include "store/ring_view.hpp"

namespace caprock::exporting {

struct TailOptions {
  std::int64_t from_ns = 0;  // wall time of the first packet wanted
  std::string filter = {};   // pcap-filter expression; empty: every packet
  bool packets = true;
  bool events = true;
  std::string interface_prefix = {};
  /// Up to when the record is whole, by the wall clock as it was set when the tail began: the
  /// stream never runs ahead of it, and a clock that is set later does not reach it.
  std::function<std::int64_t()> complete_until;
  /// Called when there is nothing new: waits a little. False ends the stream.
  std::function<bool()> wait;
};

/// Returns when wait() says so, or with the sink's error. What the recorder reused before it could
/// be read is told in the stream, one event a line, whether events are wanted or not. Any thread;
/// takes the view for itself.
Status tail(const store::RingView& view, const TailOptions& options, Sink& sink);

}  // namespace caprock::exporting
