// SPDX-License-Identifier: Apache-2.0
// Which processes and flows have the traffic: what GET /api/v1/top says. Every field is explained
// in docs/top.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/time.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"

namespace caprock::api {

inline constexpr std::string_view kByProcess = "process";
inline constexpr std::string_view kByFlow = "flow";
inline constexpr std::string_view kByContainer = "container";

/// What was counted in the window. Of a row "sent" is what its side sent.
struct TopCounts {
  std::uint64_t bytes = 0;  // both ways, as long as the packets were
  std::uint64_t packets = 0;
  double bytes_per_second = 0;
  double packets_per_second = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sent_packets = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t retransmissions = 0;  // by either side
  std::uint64_t drops = 0;            // by the kernel
  std::uint64_t resets = 0;           // sent and received
};

/// A flow, a process or a container; what it has not is empty or 0.
struct TopRow : TopCounts {
  std::string protocol;   // "TCP", "UDP"
  std::string local;      // "10.0.0.1:40112": the end that is this host's, or the process's
  std::string remote;     // "10.0.0.2:80"
  std::string interface;  // that saw most of it
  std::uint32_t pid = 0;  // of the local end; 0: not known
  std::string comm;
  std::string container;         // id; empty: none, or not known
  std::string pod;               // "shop/frontend-7c9"; empty: none, or not known
  std::uint32_t remote_pid = 0;  // where both ends are this host's
  std::string remote_comm;
  std::string remote_container;
  std::string remote_pod;
  std::uint64_t flows = 1;
};

struct TopReport {
  Time from;  // of the window
  Time to;    // not included
  Nanoseconds window{0};
  std::string by;           // kByProcess, kByFlow, kByContainer
  std::string sort;         // "bytes", "packets", "retransmissions", "drops"
  bool os_enabled = false;  // agent.os.enabled; without it there is neither process nor trouble
  std::vector<std::string> notes;  // what is not known and how to change that, one line each
  std::uint64_t flows = 0;         // in the window
  std::uint64_t rows_in_all = 0;   // with those that the limit left out
  TopCounts total;
  TopCounts other;  // what no row shows: rows beyond the limit, and packets that are of no flow
  std::vector<TopRow> rows;  // those with most first
};

/// The document as JSON on one line, with a line feed.
std::string to_json_text(const TopReport& report);

/// Fields that are not there keep their defaults.
Result<TopReport> parse_top(std::string_view json);

/// For people: a summary, the notes, and a table.
std::string top_table(const TopReport& report);

}  // namespace caprock::api
