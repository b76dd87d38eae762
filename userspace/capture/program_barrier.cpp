// SPDX-License-Identifier: Apache-2.0
#include "capture/program_barrier.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace caprock::capture {

/// Programs run inside RCU read-side sections, and the kernel makes this barrier of
/// synchronize_rcu(); on a single CPU nothing can be under way while we run. Kernels with nohz_full
/// CPUs refuse it: there only time helps.
void await_programs() {
  constexpr auto kLongRun = std::chrono::milliseconds(20);
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
    std::this_thread::sleep_for(kLongRun);
}

}  // namespace caprock::capture
