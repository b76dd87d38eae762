// SPDX-License-Identifier: Apache-2.0
#include "core/log.hpp"

#include <algorithm>
#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace caprock;

namespace {

std::uint64_t times_reported(std::string_view message) {
  const auto errors = reported_errors();
  const auto found = std::find_if(errors.begin(), errors.end(), [&](const DistinctError& error) {
    return error.message == message;
  });
  return found == errors.end() ? 0 : found->count;
}

}  // namespace

TEST_CASE(
    "log: equal errors are counted, with their first and last time, and the latest comes first") {
  report_error("log test: the disk is full");
  report_error("log test: the lane is late");
  report_error("log test: the disk is full");
  const auto errors = reported_errors();
  REQUIRE(errors.size() >= 2);
  CHECK(errors.front().message == "log test: the disk is full");
  CHECK(errors.front().count == 2);
  CHECK(errors.front().first_ns <= errors.front().last_ns);
  CHECK(times_reported("log test: the lane is late") == 1);
}

TEST_CASE("log: a flood of different errors is kept within bounds and none goes uncounted") {
  set_log_level(LogLevel::kError);
  for (int i = 0; i < 200; ++i)
    report_error("log test: error number " + std::to_string(i));
  std::uint64_t total = 0;
  for (const auto& error : reported_errors())
    total += error.count;
  CHECK(reported_errors().size() <= 65);
  CHECK(total >= 200);
}
