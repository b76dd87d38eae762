// SPDX-License-Identifier: Apache-2.0
// A loss that no packet's epb_dropcount tells, as a journal entry among the packets: Wireshark
// shows it as a row of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pcapng/reader.hpp"

namespace caprock::store {

struct LossEntry {
  std::string_view interface;  // empty: one that has gone, and its id with it
  bool received = false;       // false: sent
  std::uint64_t packets = 0;   // lost since the last packet of that interface that told of any
  std::int64_t time_ns = 0;    // wall time by which they were lost
};

/// Appends the entry to `out`, as one block.
void write_loss_entry(std::vector<std::byte>& out, const LossEntry& entry);

/// What such an entry tells; 0: the block is none.
std::uint64_t lost_by_entry(const pcapng::Block& block);

}  // namespace caprock::store
