// SPDX-License-Identifier: Apache-2.0
// The processes of the host, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <vector>

namespace caprock {

/// Their numbers, as far as they are to be seen.
std::vector<pid_t> all_processes();

}  // namespace caprock
