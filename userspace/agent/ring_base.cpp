// SPDX-License-Identifier: Apache-2.0
#include "agent/ring_base.hpp"

#include <algorithm>
#include <numeric>

namespace caprock::agent {
namespace {

std::uint64_t packets_of(const store::RecoveryReport& ring) {
  return std::accumulate(ring.lane_packets.begin(), ring.lane_packets.end(), std::uint64_t{0});
}

}  // namespace

ring_base new_base(const store::RecoveryReport& ring) {
  return {.ring_id = ring.ring_id,
          .packets = packets_of(ring),
          .lanes = static_cast<std::uint32_t>(ring.lane_packets.size()),
          .reserved = 0};
}

/// A lane's newest foot is the last of its feet to go; that of a ring's only lane never does.
ring_base base_gone_on_with(ring_base base, const store::RecoveryReport& ring) {
  const auto lanes = static_cast<std::uint32_t>(ring.lane_packets.size());
  const bool counted =
      lanes == 1 || std::ranges::find(ring.lane_packets, 0) == ring.lane_packets.end();
  if (base.ring_id != ring.ring_id || ring.dropped != 0 || base.lanes > lanes || !counted)
    return {};
  base.lanes = lanes;
  return base;
}

std::optional<std::uint64_t> packets_since(const ring_base& base, const store::RecoveryReport& ring,
                                           std::uint64_t since) {
  const std::uint64_t now = packets_of(ring) + since;
  if (base.ring_id == 0 || now < base.packets) return std::nullopt;  // damage took some of it
  return now - base.packets;
}

}  // namespace caprock::agent
