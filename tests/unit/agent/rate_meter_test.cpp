// SPDX-License-Identifier: Apache-2.0
#include "agent/rate_meter.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using caprock::agent::RateMeter;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("rate meter: one sample is no rate") {
  RateMeter meter;
  meter.add({.time_ns = 0, .packets = 10, .bytes = 10, .lost = 10});
  CHECK(meter.rates().packets_per_second == 0);
  CHECK(meter.lost_in_last_minute() == 0);
}

TEST_CASE("rate meter: rates are those of the last ten seconds, not of the whole run") {
  RateMeter meter;
  for (std::uint64_t s = 0; s <= 30; ++s) {
    const std::uint64_t packets = s <= 20 ? 0 : 100 * (s - 20);
    meter.add({.time_ns = static_cast<std::int64_t>(s) * kSecond,
               .packets = packets,
               .bytes = 50 * packets,
               .lost = 0});
  }
  CHECK(meter.rates().packets_per_second == Catch::Approx(100));
  CHECK(meter.rates().bytes_per_second == Catch::Approx(5000));
}

TEST_CASE("rate meter: a loss is told for a minute and then forgotten") {
  RateMeter meter;
  for (std::uint64_t s = 0; s <= 200; ++s) {
    meter.add({.time_ns = static_cast<std::int64_t>(s) * kSecond,
               .packets = 0,
               .bytes = 0,
               .lost = s >= 100 ? 7u : 0u});
    if (s == 159) CHECK(meter.lost_in_last_minute() == 7);
  }
  CHECK(meter.lost_in_last_minute() == 0);
}
