// SPDX-License-Identifier: Apache-2.0
// What an event of the operating system says about sockets and addresses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "export/packet_flow.hpp"
#include "export/tenure.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// docs/formats/events.md says what the fields of an entry mean.
struct SocketEvent {
  std::string_view type;    // "established"; valid as long as the block
  std::string_view reason;  // the same: "SYN"
  std::int64_t time_ns = 0;
  Process process;
  std::uint64_t network = 0;  // inode of its network namespace; 0: not told
  bool own_network = false;   // the agent's
  std::optional<Flow> flow;   // the local end is the source
  std::optional<std::int64_t> latency_ns;
  std::vector<Address> addresses;
};

/// Nothing: the block is no such entry.
std::optional<SocketEvent> parse_socket_event(const pcapng::Block& block);

/// The pod that the entry is about: "shop/frontend-7c9"; empty: it names none.
std::string pod_in(const pcapng::Block& journal);

}  // namespace caprock::exporting
