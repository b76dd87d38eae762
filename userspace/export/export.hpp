// SPDX-License-Identifier: Apache-2.0
// Gives a time window of the ring back as a capture file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "export/sink.hpp"
#include "store/ring_view.hpp"

namespace caprock::exporting {

/// pcap: classic, times in µs; pcap-ns: in ns; json: the events alone, one object a line.
enum class Format { kPcapng, kPcap, kPcapNs, kJson };

/// "pcapng", "pcap", "pcap-ns" or "json".
Result<Format> parse_format(std::string_view name);

struct ExportOptions {
  std::int64_t from_ns = 0;        // wall time
  std::int64_t to_ns = INT64_MAX;  // exclusive; the caller caps it at complete-until
  std::string filter = {};         // pcap-filter expression; empty: every packet
  Format format = Format::kPcapng;
  std::uint32_t snaplen = 0;  // cut packets to so many bytes; 0: as recorded
  bool packets = true;        // false: the journal blocks alone
  bool events = true;         // the journal blocks too (pcapng only; a filter leaves them in)
  bool names = true;          // for the addresses of pods, services and nodes (pcapng only)
  bool processes = false;     // on each packet its process, where that is known (pcapng only)
  std::string interface_prefix = {};  // in front of every interface's name: "node7/"
};

struct ExportReport {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;    // given to the sink
  std::uint64_t dropped = 0;  // losses that the packets of the window tell of
  std::int64_t first_ns = 0;  // of the first and last packet; 0, 0 without packets
  std::int64_t last_ns = 0;
  /// Parts of the window that the recorder reused meanwhile, or that are damaged. A pcapng and json
  /// tell it at their end, a pcap cannot.
  std::vector<std::string> skipped;
};

/// Refuses what contradicts itself: it would give another file than the one that was asked for.
Status check(const ExportOptions& options);

/// Writes the window to the sink in time order: pcapng as one section (all interfaces, blocks,
/// statistics at the end). Fails on a wrong filter and where check() does, before anything is
/// written, and with the sink's error. Any thread; takes the view for itself. The sink is written
/// to by a second thread, which ends before this returns.
Result<ExportReport> export_window(const store::RingView& view, const ExportOptions& options,
                                   Sink& sink);

}  // namespace caprock::exporting
