// SPDX-License-Identifier: Apache-2.0
// The packet sources of the loaded programs.
#pragma once

#include <memory>
#include <vector>

#include "capture/packet_source.hpp"
#include "capture/programs.hpp"

namespace caprock::capture {

/// One source per CPU slot, index = CPU. They keep their memory mapped on their own: `programs` may
/// go first.
Result<std::vector<std::unique_ptr<PacketSource>>> make_sources(const Programs& programs);

}  // namespace caprock::capture
