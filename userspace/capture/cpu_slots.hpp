// SPDX-License-Identifier: Apache-2.0
// The CPUs that need a place in the per-CPU maps.
#pragma once

#include "core/result.hpp"

namespace caprock::capture {

/// One more than the highest number of a CPU that is online now.
Result<unsigned> count_cpu_slots();

}  // namespace caprock::capture
