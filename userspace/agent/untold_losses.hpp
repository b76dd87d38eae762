// SPDX-License-Identifier: Apache-2.0
// Losses that no packet will tell any more, as the programs that would are off the devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/counters.hpp"
#include "core/interface_list.hpp"

namespace caprock::agent {

/// A journal entry (store/loss_entry.hpp) for each interface and direction of which packets were
/// lost that no epb_dropcount told until `time_ns`, wall time. Empty: none. Control-plane thread.
std::vector<std::byte> untold_losses(const capture::Counters& counters,
                                     const InterfaceList& interfaces, std::int64_t time_ns);

}  // namespace caprock::agent
