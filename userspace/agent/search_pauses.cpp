// SPDX-License-Identifier: Apache-2.0
#include "agent/search_pauses.hpp"

#include <algorithm>

namespace caprock::agent {
namespace {

constexpr std::int64_t kMostNs = 60'000'000'000;
constexpr std::int64_t kPart = 8;  // of the time that it has not been found

}  // namespace

bool SearchPauses::is_due(const kubernetes::Pod& pod, std::int64_t now_ns) const {
  const auto search = searches_.find(pod.uid);
  return search == searches_.end() || now_ns >= search->second.next_ns ||
         search->second.as_of != pod;
}

void SearchPauses::missed(const kubernetes::Pod& pod, std::int64_t now_ns) {
  Search& search = searches_[pod.uid];
  if (search.as_of != pod) search = {.as_of = pod, .since_ns = now_ns, .next_ns = now_ns};
  search.next_ns = now_ns + std::min((now_ns - search.since_ns) / kPart, kMostNs);
}

void SearchPauses::forget_old(std::int64_t now_ns) {
  std::erase_if(searches_,
                [&](const auto& entry) { return now_ns - entry.second.next_ns > kMostNs; });
}

}  // namespace caprock::agent
