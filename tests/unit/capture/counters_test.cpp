// SPDX-License-Identifier: Apache-2.0
#include "capture/counters.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/fake_counters.hpp"

using namespace caprock;
using namespace caprock::capture;

TEST_CASE("counters: per CPU, interface and direction, and summed over CPUs") {
  test::FakeCounters fake;
  fake.of(0, 9, CAPROCK_EGRESS).seen = 5;
  fake.of(1, 9, CAPROCK_EGRESS).seen = 7;
  fake.of(1, 9, CAPROCK_EGRESS).captured_bytes = 1000;
  fake.of(1, 9, CAPROCK_INGRESS).seen = 100;
  fake.of(1, 8, CAPROCK_EGRESS).seen = 1000;

  const Counters& counters = fake.counters();
  CHECK(counters.of(1, 9, CAPROCK_EGRESS).seen == 7);
  CHECK(counters.of(9, CAPROCK_EGRESS).seen == 12);
  CHECK(counters.of(9, CAPROCK_EGRESS).captured_bytes == 1000);
  CHECK(counters.of(9, CAPROCK_INGRESS).seen == 100);
  CHECK(counters.of(10, CAPROCK_INGRESS).seen == 0);
}
