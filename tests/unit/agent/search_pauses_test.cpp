// SPDX-License-Identifier: Apache-2.0
#include "agent/search_pauses.hpp"

#include <catch2/catch_test_macros.hpp>

using caprock::agent::SearchPauses;
using caprock::kubernetes::Pod;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Pod pod(const std::string& uid = "uid") {
  Pod pod;
  pod.uid = uid;
  pod.phase = "Pending";
  return pod;
}

/// How often it is looked for in that time, by an agent that thinks of it every 2 s.
int searches(SearchPauses& pauses, const Pod& pod, std::int64_t from_ns, std::int64_t seconds) {
  int searches = 0;
  for (std::int64_t now = from_ns; now < from_ns + seconds * kSecond; now += 2 * kSecond) {
    if (!pauses.is_due(pod, now)) continue;
    pauses.missed(pod, now);
    ++searches;
  }
  return searches;
}

}  // namespace

TEST_CASE("search pauses: what is not found is looked for seldomer the longer that lasts") {
  SearchPauses pauses;
  CHECK(searches(pauses, pod(), 0, 16) == 8);
  CHECK(searches(pauses, pod(), 16 * kSecond, 3600) < 100);
  const int in_an_hour = searches(pauses, pod(), 3616 * kSecond, 3600);
  CHECK(in_an_hour > 50);
  CHECK(in_an_hour <= 60);
}

TEST_CASE("search pauses: a pod that is different, new or was found is looked for at once") {
  SearchPauses pauses;
  searches(pauses, pod(), 0, 600);
  const std::int64_t now = 600 * kSecond;
  CHECK_FALSE(pauses.is_due(pod(), now));
  CHECK(pauses.is_due(pod("other"), now));
  Pod started = pod();
  started.phase = "Running";
  CHECK(searches(pauses, started, now, 16) == 8);
  searches(pauses, started, now, 600);
  CHECK_FALSE(pauses.is_due(started, 2 * now));
  pauses.found("uid");
  CHECK(pauses.is_due(started, 2 * now));
}

TEST_CASE("search pauses: where something is different of all each is looked for at once") {
  SearchPauses pauses;
  searches(pauses, pod(), 0, 600);
  pauses.end();
  CHECK(pauses.is_due(pod(), 600 * kSecond));
}
