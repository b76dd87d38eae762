// SPDX-License-Identifier: Apache-2.0
// Whose a flow was, and when, as the record's events tell.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result.hpp"
#include "export/connection_owners.hpp"
#include "export/datagram_owners.hpp"
#include "export/namespace_addresses.hpp"
#include "export/packet_flow.hpp"
#include "pcapng/reader.hpp"
#include "store/ring_view.hpp"

namespace caprock::exporting {

class FlowOwners {
 public:
  /// As many as a twelfth of the memory that this process may have holds, 1'048'576 at the most.
  static std::size_t most_tenures();

  /// For packets from `from_ns` to `to_ns`, wall time, by the events of that time and of an hour
  /// before. Fails where more tenures than half of `max_tenures` would have to be kept. Any thread;
  /// takes the view for itself.
  static Result<FlowOwners> read(const store::RingView& view, std::int64_t from_ns,
                                 std::int64_t to_ns, std::size_t max_tenures = most_tenures());

  explicit FlowOwners(std::int64_t from_ns = 0)
      : needed_from_ns_(from_ns), connections_(from_ns), datagrams_(from_ns) {}

  /// Takes what an entry tells, if anything. In order of time.
  void take(const pcapng::Block& journal);

  /// Nothing is asked any more of what was over before `needed_from_ns`, wall time. Returns how
  /// many tenures are still kept.
  std::size_t forget(std::int64_t needed_from_ns);

  /// Forgets all that is known of sockets; which addresses a namespace has stays known.
  void forget_sockets();

  /// Who had the source's end of the flow then; null: not known. Valid until the next take().
  const Process* of(const Flow& flow, std::int64_t time_ns) const;

 private:
  void take_addresses(const SocketEvent& event);
  void take_border(const SocketEvent& event);
  void take_socket(const SocketEvent& event);

  std::int64_t needed_from_ns_;
  NamespaceAddresses addresses_;
  ConnectionOwners connections_;
  DatagramOwners datagrams_;
  std::int64_t last_ns_ = INT64_MIN;  // time of the event before
};

}  // namespace caprock::exporting
