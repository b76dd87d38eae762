// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "abi/stage.h"

#include "capture/generation.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint64_t kMinCpuBytes = 8u << 20;
constexpr std::uint64_t kWantedSegments =
    8;  // a segment counts as full until it is left, so few would be coarse

}  // namespace

StageGeometry plan_stage(std::uint64_t stage_bytes, unsigned cpus) {
  const std::uint64_t cpu_bytes = std::bit_floor(std::max(stage_bytes / cpus, kMinCpuBytes));
  const std::uint64_t segment_bytes =
      std::clamp(cpu_bytes / kWantedSegments, std::uint64_t{1} << STAGE_MIN_SHIFT,
                 std::uint64_t{1} << STAGE_MAX_SHIFT);
  return {.cpus = cpus,
          .segment_shift = static_cast<unsigned>(std::countr_zero(segment_bytes)),
          .segments = static_cast<unsigned>(cpu_bytes / segment_bytes)};
}

}  // namespace caprock::capture
