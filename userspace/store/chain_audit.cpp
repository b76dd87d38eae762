// SPDX-License-Identifier: Apache-2.0
#include "store/chain_audit.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

namespace caprock::store {
namespace {

class Chains {
 public:
  explicit Chains(const std::vector<ChainLink>& links) {
    for (const ChainLink& link : links) {
      present_.insert(link.sequence);
      const auto [oldest, first] = oldest_.emplace(link.lane, link.sequence);
      if (!first) oldest->second = std::min(oldest->second, link.sequence);
    }
  }

  /// Where the lane has nothing older, what is missing was recycled. Recovery may seal an older
  /// segment behind a newer one: then the chain goes backwards, and is none.
  bool breaks_at(const ChainLink& link) const {
    const std::uint64_t previous = link.previous_sequence;
    return previous != 0 && previous < link.sequence && !present_.contains(previous) &&
           oldest_.at(link.lane) < previous;
  }

 private:
  std::set<std::uint64_t> present_;
  std::map<std::uint32_t, std::uint64_t> oldest_;  // by lane
};

/// Segments are used in the order of the file, again and again, or nearly so.
std::uint64_t take_nearest_before(std::uint64_t index, std::set<std::uint64_t>& places) {
  const auto behind = places.lower_bound(index);
  const auto nearest = std::prev(behind != places.begin() ? behind : places.end());
  const std::uint64_t place = *nearest;
  places.erase(nearest);
  return place;
}

}  // namespace

std::vector<MissingSegment> find_missing(const std::vector<ChainLink>& links,
                                         const std::vector<std::uint64_t>& zeroed,
                                         std::uint64_t segment_count) {
  std::set<std::uint64_t> places(zeroed.begin(), zeroed.end());
  places.erase(segment_count - 1);  // a file that has just grown ends in zeros
  std::vector<MissingSegment> missing;
  if (places.empty()) return missing;
  const Chains chains(links);
  std::vector<ChainLink> followers;
  std::ranges::copy_if(links, std::back_inserter(followers),
                       [&](const ChainLink& link) { return chains.breaks_at(link); });
  std::ranges::sort(followers, std::ranges::greater(), &ChainLink::sequence);
  for (const ChainLink& follower : followers) {
    if (places.empty()) break;
    missing.push_back({take_nearest_before(follower.index, places), follower.previous_sequence,
                       follower.sequence});
  }
  std::ranges::reverse(missing);
  return missing;
}

}  // namespace caprock::store
