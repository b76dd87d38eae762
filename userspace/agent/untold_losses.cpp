// SPDX-License-Identifier: Apache-2.0
#include "agent/untold_losses.hpp"

#include "store/loss_entry.hpp"

namespace caprock::agent {

std::vector<std::byte> untold_losses(const capture::Counters& counters,
                                     const InterfaceList& interfaces, std::int64_t time_ns) {
  std::vector<std::byte> entries;
  for (std::uint32_t id = 0; id < interfaces.size(); ++id) {
    for (const auto direction : {CAPROCK_INGRESS, CAPROCK_EGRESS}) {
      const capture_counters count = counters.of(id, direction);
      if (count.lost <= count.lost_reported) continue;
      store::write_loss_entry(entries, {.interface = interfaces[id].name,
                                        .received = direction == CAPROCK_INGRESS,
                                        .packets = count.lost - count.lost_reported,
                                        .time_ns = time_ns});
    }
  }
  return entries;
}

}  // namespace caprock::agent
