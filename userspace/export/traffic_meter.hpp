// SPDX-License-Identifier: Apache-2.0
// Counts the traffic of a capture stream.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "export/block_splitter.hpp"
#include "export/recent_owners.hpp"
#include "export/sink.hpp"
#include "export/traffic.hpp"

namespace caprock::exporting {

struct MeteredInterface {
  std::string name;
  bool of_pod = false;  // a pod's own loopback
};

/// Takes a pcapng stream in pieces of any size. Packets are counted by their flow, of events those
/// of retransmissions, drops and resets; all events are told to the owners.
class TrafficMeter final : public Sink {
 public:
  /// `wanted`: whether somebody still waits for the result; false ends the stream with an error.
  TrafficMeter(RecentOwners& owners, std::function<bool()> wanted)
      : owners_(owners), wanted_(std::move(wanted)) {}

  Status write(Bytes piece) override;

  const Traffic& traffic() const { return traffic_; }

  /// By the ids that the traffic has.
  const std::vector<MeteredInterface>& interfaces() const { return interfaces_; }

 private:
  void take(const pcapng::Block& block);
  void take_packet(const pcapng::PacketView& packet);
  void take_entry(const pcapng::Block& journal);

  RecentOwners& owners_;
  std::function<bool()> wanted_;
  BlockSplitter blocks_;
  Traffic traffic_;
  std::vector<MeteredInterface> interfaces_;
};

}  // namespace caprock::exporting
