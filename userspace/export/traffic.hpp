// SPDX-License-Identifier: Apache-2.0
// Which flows had the traffic of a window.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "export/packet_flow.hpp"

namespace caprock::exporting {

/// Packets and their bytes, Ethernet header included, as long as they were and not as recorded.
struct Volume {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  Volume& operator+=(const Volume& more) {
    packets += more.packets;
    bytes += more.bytes;
    return *this;
  }
};

/// What went wrong, as events tell.
struct Trouble {
  std::uint64_t retransmissions = 0;
  std::uint64_t drops = 0;   // packets that the kernel dropped
  std::uint64_t resets = 0;  // sent and received

  Trouble& operator+=(const Trouble& more) {
    retransmissions += more.retransmissions;
    drops += more.drops;
    resets += more.resets;
    return *this;
  }
};

/// The end of a flow whose packets the interface sent out, rather than received.
enum class HostEnd { kUnknown, kSource, kDestination };

/// Both directions of a flow. A packet passes several interfaces of a host (the two ends of a veth
/// pair, a bridge, a bond), and one of them twice where it is routed back out of it: each direction
/// counts as the interface saw it that saw most of it, going out or coming in.
struct FlowTraffic {
  Flow flow;
  Volume forward;  // from the flow's source to its destination
  Volume backward;
  std::optional<std::uint32_t> interface;  // that saw most of both; none: events alone tell of it
  HostEnd host_end = HostEnd::kUnknown;
  std::int64_t last_ns = 0;  // wall time of its last packet or event
  Trouble trouble;
};

/// Counts packets and troubles of flows. Of the flows beyond a number it keeps the sum alone, in
/// which a packet counts once an interface. One thread at a time.
class Traffic {
 public:
  static constexpr std::size_t kMaxFlows = 65536;  // some 12 MiB

  explicit Traffic(std::size_t max_flows = kMaxFlows) : max_flows_(max_flows) {}

  struct Packet {
    std::uint32_t interface = 0;
    std::int64_t time_ns = 0;
    std::uint64_t bytes = 0;
    bool outbound = false;
  };
  void count(const Flow& flow, const Packet& packet);
  void count(const Flow& flow, std::int64_t time_ns, const Trouble& trouble);

  /// What belongs to no flow: fragments without ports, errors of ICMP, events left out.
  void count_other(const Volume& volume) { other_ += volume; }
  void count_other(const Trouble& trouble) { other_trouble_ += trouble; }

  /// In no order. The source is the end that is the lesser one.
  std::vector<FlowTraffic> flows() const;

  const Volume& other() const { return other_; }
  const Trouble& other_trouble() const { return other_trouble_; }

 private:
  enum Direction : std::size_t { kForward, kBackward };

  struct Seen {
    std::uint32_t interface = 0;
    std::array<Volume, 2> in{};   // by Direction
    std::array<Volume, 2> out{};  // sent by the interface

    const Volume& most(Direction direction) const;
  };
  struct Record {
    std::vector<Seen> seen;  // by few interfaces
    std::int64_t last_ns = 0;
    Trouble trouble;
  };
  struct Hash {
    std::size_t operator()(const Flow& flow) const;
  };

  Record* record_of(const Flow& flow);
  static Seen& seen_by(Record& record, std::uint32_t interface);
  static HostEnd host_end(const Seen& seen);
  static FlowTraffic summary(const Flow& flow, const Record& record);

  std::size_t max_flows_;
  std::unordered_map<Flow, Record, Hash> records_;
  Volume other_;
  Trouble other_trouble_;
};

}  // namespace caprock::exporting
