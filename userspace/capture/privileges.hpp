// SPDX-License-Identifier: Apache-2.0
// What this process may do: load and attach BPF programs, look at other processes.
#pragma once

#include "core/finding.hpp"

namespace caprock::capture {

Finding inspect_privileges();

/// Whether the numbers of processes in /proc are those of the kernel's events.
bool sees_host_pids();

/// Whether it sees the processes that the kernel's events name, and their network namespaces.
Finding inspect_process_view();

}  // namespace caprock::capture
