// SPDX-License-Identifier: Apache-2.0
#include "core/fd.hpp"

#include <fcntl.h>

#include <catch2/catch_test_macros.hpp>

using namespace caprock;

namespace {

int some_file() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("fd: is closed with its owner") {
  int number = -1;
  {
    const Fd fd(some_file());
    number = fd.get();
    REQUIRE(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("fd: has one owner after a move") {
  Fd first(some_file());
  const int number = first.get();
  const Fd second(std::move(first));
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what a moved-from Fd promises
  CHECK(second.get() == number);
  CHECK(is_open(number));
}

TEST_CASE("fd: assigning closes what was owned before") {
  Fd fd(some_file());
  const int before = fd.get();
  Fd other(some_file());
  fd = std::move(other);
  CHECK_FALSE(is_open(before));
  CHECK(is_open(fd.get()));
}

TEST_CASE("fd: released ones stay open") {
  Fd fd(some_file());
  const int number = fd.release();
  CHECK_FALSE(fd);
  CHECK(is_open(number));
  ::close(number);
}
