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

TEST_CASE(
    "counters: what was redirected counts as what became of it, and what never came as lost") {
  test::FakeCounters fake;
  fake.of(0, 9, CAPROCK_INGRESS).accepted = 70;
  fake.of(0, 9, CAPROCK_INGRESS).redirected = 60;
  fake.of(0, 9, CAPROCK_INGRESS).written = 10;
  fake.of(1, 9, CAPROCK_INGRESS).accepted = 40;
  fake.of(1, 9, CAPROCK_INGRESS).redirected = 40;
  capture_counters came{};
  came.written = 90;
  came.lost = 3;
  fake.mirror().add(9, came);

  const Counters& counters = fake.counters();
  CHECK(counters.of(9, CAPROCK_INGRESS).written == 100);
  CHECK(counters.of(9, CAPROCK_INGRESS).lost == 3);
  CHECK(counters.of(9, CAPROCK_EGRESS).written == 0);
  for (int again = 0; again < 2; ++again) {
    counters.settle_redirected(9);
    const capture_counters sum = counters.of(9, CAPROCK_INGRESS);
    CHECK(sum.lost == 10);
    CHECK(sum.accepted == sum.written + sum.lost);
  }
}
