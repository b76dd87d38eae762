// SPDX-License-Identifier: Apache-2.0
#include "core/result.hpp"

#include <cerrno>
#include <memory>

#include <catch2/catch_test_macros.hpp>

using namespace caprock;

TEST_CASE("result: holds the value, or the error that kept it from being one") {
  const Result<int> good(7);
  const Result<int> bad(Error("ring: no space"));
  REQUIRE(good);
  CHECK(*good == 7);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message() == "ring: no space");
}

TEST_CASE("result: carries what can only be moved") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = *std::move(result);
  CHECK(*taken == 7);
}

TEST_CASE("result: a status is good unless it holds an error") {
  CHECK(Status());
  CHECK_FALSE(Status(Error("gone")));
}

TEST_CASE("result: each layer adds one piece of context in front") {
  CHECK(Error("no space").context("ring").context("agent").message() == "agent: ring: no space");
}

TEST_CASE("result: an errno is told in words, after what it happened to") {
  CHECK(Error::from_errno("open /ring", ENOENT).message() ==
        "open /ring: No such file or directory");
  errno = EACCES;
  CHECK(Error::from_errno("open /ring").message() == "open /ring: Permission denied");
}
