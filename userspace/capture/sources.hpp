// SPDX-License-Identifier: Apache-2.0
// The packet sources of a generation's maps.
#pragma once

#include <memory>
#include <vector>

#include "capture/generation.hpp"
#include "capture/packet_source.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// One source per CPU slot, index = CPU. They keep their memory mapped on their own: `generation`
/// may go first.
Result<std::vector<std::unique_ptr<PacketSource>>> make_sources(const Generation& generation);

/// A virtual machine whose host keeps page tables of its own pays some 13 µs for the first access
/// to each page of a new stage in the kernel's mapping: with this here, instead of with the first
/// packets. What cannot be read is paid for later.
void touch_stage(const Generation& generation);

}  // namespace caprock::capture
