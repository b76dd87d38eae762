// SPDX-License-Identifier: Apache-2.0
#include "export/figures.hpp"

namespace caprock::exporting {

void Figures::count(const pcapng::PacketView& packet, std::uint32_t interface_id) {
  const auto time_ns = static_cast<std::int64_t>(packet.time);
  const std::uint64_t lost = packet.dropped();
  if (packets == 0) first_ns = time_ns;
  last_ns = time_ns;
  packets += 1;
  dropped += lost;
  if (interface_id >= interfaces.size()) interfaces.resize(interface_id + 1);
  interfaces[interface_id].packets += 1;
  interfaces[interface_id].dropped += lost;
}

}  // namespace caprock::exporting
