// SPDX-License-Identifier: Apache-2.0
// How much memory there is for this process.
#pragma once

#include <cstdint>

namespace caprock {

/// Bytes: the machine's memory, or the limit of a memory cgroup (v1 or v2) that this process is in,
/// if that is less.
std::uint64_t memory_limit_bytes();

}  // namespace caprock
