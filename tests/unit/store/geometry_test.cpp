// SPDX-License-Identifier: Apache-2.0
#include "store/geometry.hpp"

#include <catch2/catch_test_macros.hpp>

#include "store/format.hpp"

namespace caprock::store {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;

TEST_CASE("geometry: segments are 8 MiB, and smaller where there would be fewer than 16") {
  CHECK(*plan_geometry(1024 * kMebibyte) == Geometry{8 * kMebibyte, 128});
  CHECK(*plan_geometry(128 * kMebibyte) == Geometry{8 * kMebibyte, 16});
  CHECK(*plan_geometry(127 * kMebibyte) == Geometry{4 * kMebibyte, 31});
  CHECK(*plan_geometry(16 * kMebibyte) == Geometry{1 * kMebibyte, 16});
  CHECK(plan_geometry(std::uint64_t{1} << 40)->segments == 131072);
}

TEST_CASE("geometry: the size is rounded down to whole segments") {
  CHECK(plan_geometry(1000 * kMebibyte + 5)->ring_bytes() == 1000 * kMebibyte);
}

TEST_CASE("geometry: a ring too small is refused with the smallest possible size") {
  const auto refused = plan_geometry(15 * kMebibyte);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("at least 16 MiB") != std::string::npos);
}

TEST_CASE("geometry: a ring keeps its segment size when it is resized") {
  CHECK(*resize_geometry(8 * kMebibyte, 200 * kMebibyte) == Geometry{8 * kMebibyte, 25});
  const auto refused = resize_geometry(8 * kMebibyte, 100 * kMebibyte);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("at least 128 MiB") != std::string::npos);
}

}  // namespace
}  // namespace caprock::store
