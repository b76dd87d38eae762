// SPDX-License-Identifier: Apache-2.0
// CPU time in the calls of the kernel that carry a run's bytes to the file. The linker leads them
// through here (--wrap).
#pragma once

#include <cstdint>

namespace caprock {

/// Of the calling thread, ns.
std::int64_t cpu_ns();

/// Of that, what the calls took so far, ns.
std::int64_t moving_ns();

}  // namespace caprock
