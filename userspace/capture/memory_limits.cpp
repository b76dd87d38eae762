// SPDX-License-Identifier: Apache-2.0
#include "capture/memory_limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <string>

#include "abi/counters.h"
#include "abi/limits.h"

#include "capture/cpu_slots.hpp"
#include "capture/generation.hpp"
#include "core/memory_limit.hpp"
#include "core/quantity.hpp"

namespace caprock::capture {
namespace {

// Of a CPU beside its stage: most of it are the counters; then memo and wake-up.
constexpr std::uint64_t kCpuBytes =
    std::uint64_t{CAPROCK_MAX_INTERFACES} * CAPROCK_DIRECTIONS * sizeof(capture_counters) +
    (64 << 10);

// Of the queue of the operating-system layer: insight/tracepoints.cpp.
constexpr std::uint64_t kCpuQueueBytes = 512 << 10;
constexpr std::uint64_t kMostQueueBytes = 32 << 20;

// Of the rest, on any host: sockets and their owners 12 MiB, translated flows 8, addresses and
// ports 3, interfaces 1, counters of CPUs that come later 1, and room for what fills up and for the programs.
constexpr std::uint64_t kTableBytes = 32 << 20;

/// What the maps of all programs take at the most; a stage has a part for each CPU.
std::uint64_t map_bytes(std::uint64_t stage_bytes, unsigned cpus) {
  const std::uint64_t queue = std::min(std::bit_ceil(cpus) * kCpuQueueBytes, kMostQueueBytes);
  return cpus * (plan_stage(stage_bytes, cpus).cpu_bytes() + kCpuBytes) + queue + kTableBytes;
}

/// A smaller stage helps down to what each CPU has at the least.
std::string cgroup_remedy(std::uint64_t limit, unsigned cpus) {
  const std::uint64_t least = map_bytes(0, cpus);
  if (least <= limit / 2)
    return fmt::format("set agent.stageSize to at most {}", format_size(limit / 4));
  return fmt::format("give it {} of memory at the least", format_size(2 * least));
}

/// The kernel charges the maps to the memory cgroup; before 5.11 to RLIMIT_MEMLOCK.
Finding inspect_cgroup(std::uint64_t stage_bytes) {
  const std::uint64_t limit = memory_limit_bytes();
  const auto slots = count_cpu_slots();
  const unsigned cpus = slots ? *slots : 1;
  const std::uint64_t bytes = map_bytes(stage_bytes, cpus);
  Finding finding{.id = "memory.limit",
                  .found = fmt::format("{} of memory, {} of it for stage and maps of {} CPUs",
                                       format_size(limit), format_size(bytes), cpus)};
  if (bytes <= limit / 2) return finding;
  finding.severity = bytes < limit ? Severity::kWarning : Severity::kFatal;
  finding.consequence = bytes < limit ? "little is left for the ring's pages and the agent"
                                      : "the stage cannot be allocated";
  finding.remedy = cgroup_remedy(limit, cpus);
  return finding;
}

Finding inspect_memlock(std::uint64_t stage_bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_max >= stage_bytes)
    return {.id = "memory.memlock", .found = "memory may be locked as needed"};
  return {
      .id = "memory.memlock",
      .severity = Severity::kNote,
      .found = fmt::format("at most {} may be locked", format_size(limit.rlim_max)),
      .consequence =
          "without CAP_SYS_RESOURCE mirror ports get no AF_XDP sockets, and before kernel 5.11 the "
          "stage cannot be allocated",
      .remedy = "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited"};
}

}  // namespace

Findings inspect_memory_limits(std::uint64_t stage_bytes) {
  return {inspect_cgroup(stage_bytes), inspect_memlock(stage_bytes)};
}

}  // namespace caprock::capture
