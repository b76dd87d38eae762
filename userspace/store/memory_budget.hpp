// SPDX-License-Identifier: Apache-2.0
// How much memory the ring's pages may keep where the configuration does not say.
#pragma once

#include <cstdint>

namespace caprock::store {

/// A quarter of the machine's memory, or of this process's memory cgroup where that is smaller.
std::uint64_t default_page_budget();

}  // namespace caprock::store
