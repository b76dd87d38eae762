// SPDX-License-Identifier: Apache-2.0
#include "capture/memory_limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include "core/memory_limit.hpp"
#include "core/quantity.hpp"

namespace caprock::capture {
namespace {

/// The kernel charges the stage to the memory cgroup; before 5.11 to RLIMIT_MEMLOCK.
Finding inspect_cgroup(std::uint64_t stage_bytes) {
  const std::uint64_t limit = memory_limit_bytes();
  Finding finding{.id = "memory.limit",
                  .found = fmt::format("{} of memory, {} of it for the stage", format_size(limit),
                                       format_size(stage_bytes))};
  if (stage_bytes <= limit / 2) return finding;
  finding.severity = stage_bytes < limit ? Severity::kWarning : Severity::kFatal;
  finding.consequence = stage_bytes < limit ? "little is left for the ring's pages and the agent"
                                            : "the stage cannot be allocated";
  finding.remedy = fmt::format("set agent.stageSize to at most {}", format_size(limit / 4));
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
          "on kernels before 5.11 the stage cannot be allocated unless CAP_SYS_RESOURCE is there",
      .remedy = "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited"};
}

}  // namespace

Findings inspect_memory_limits(std::uint64_t stage_bytes) {
  return {inspect_cgroup(stage_bytes), inspect_memlock(stage_bytes)};
}

}  // namespace caprock::capture
