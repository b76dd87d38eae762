// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/back_off.hpp"

#include <set>

#include <catch2/catch_test_macros.hpp>

using caprock::kubernetes::BackOff;
using namespace std::chrono_literals;

TEST_CASE("back-off: pauses double from the least to the most, and never leave that range") {
  for (int client = 0; client < 100; ++client) {
    BackOff back_off(500ms, 30s);
    for (auto limit = 1000ms; limit < 30s; limit *= 2) {
      const auto pause = back_off.next();
      CHECK(pause >= limit / 2);
      CHECK(pause <= limit);
    }
    for (int i = 0; i < 10; ++i) {
      const auto pause = back_off.next();
      CHECK(pause >= 15s);
      CHECK(pause <= 30s);
    }
    back_off.reset();
    CHECK(back_off.next() <= 1s);
  }
}

TEST_CASE("back-off: clients of one server do not come at one time") {
  std::set<BackOff::Ms> pauses;
  for (int client = 0; client < 20; ++client)
    pauses.insert(BackOff(500ms, 30s).next());
  CHECK(pauses.size() > 10);
}
