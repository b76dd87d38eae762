// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/stage.h"

#include "capture/programs.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

}  // namespace

TEST_CASE(
    "stage geometry: a CPU has 8 MiB and 4 segments at the least, of sizes that old kernels take") {
  const std::uint64_t stage_bytes =
      GENERATE(0 * kMiB, 1 * kMiB, 8 * kMiB, 100 * kMiB, 128 * kMiB, 3000 * kMiB);
  const unsigned cpus = GENERATE(1u, 2u, 3u, 8u, 96u, 256u);
  const StageGeometry geometry = plan_stage(stage_bytes, cpus);
  CHECK(geometry.cpus == cpus);
  CHECK(geometry.cpu_bytes() >= 8 * kMiB);
  CHECK(geometry.segments >= STAGE_MIN_SEGMENTS);
  CHECK((geometry.segments & (geometry.segments - 1)) == 0);
  CHECK(geometry.segment_shift >= STAGE_MIN_SHIFT);
  CHECK(geometry.segment_shift <= STAGE_MAX_SHIFT);
}

TEST_CASE("stage geometry: the size asked for is not exceeded where the least allows it") {
  CHECK(plan_stage(128 * kMiB, 2).cpu_bytes() == 64 * kMiB);
  CHECK(plan_stage(100 * kMiB, 2).cpu_bytes() == 32 * kMiB);
}

}  // namespace caprock::capture
