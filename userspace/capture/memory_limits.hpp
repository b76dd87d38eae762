// SPDX-License-Identifier: Apache-2.0
// Limits of memory that the maps are charged to.
#pragma once

#include <cstdint>

#include "core/finding.hpp"

namespace caprock::capture {

Findings inspect_memory_limits(std::uint64_t stage_bytes);

}  // namespace caprock::capture
