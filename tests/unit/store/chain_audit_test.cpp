// SPDX-License-Identifier: Apache-2.0
#include "store/chain_audit.hpp"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

namespace caprock::store {
namespace {

/// A segment's sequence, lane and previous sequence; all 0: zeros.
struct Place {
  std::uint64_t sequence = 0;
  std::uint32_t lane = 0;
  std::uint64_t previous_sequence = 0;
};

using Missing = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // index, sequence

Missing missing_from(const std::vector<Place>& file) {
  std::vector<ChainLink> links;
  std::vector<std::uint64_t> zeroed;
  for (std::uint64_t index = 0; index < file.size(); ++index) {
    const Place& place = file[index];
    if (place.sequence == 0) {
      zeroed.push_back(index);
    } else {
      links.push_back({index, place.sequence, place.lane, place.previous_sequence});
    }
  }
  Missing missing;
  for (const MissingSegment& segment : find_missing(links, zeroed, file.size()))
    missing.emplace_back(segment.index, segment.sequence);
  return missing;
}

constexpr Place kZeros;

}  // namespace

TEST_CASE("chain: a ring of several lanes without zeros misses nothing") {
  CHECK(missing_from({{1, 0, 0}, {2, 1, 0}, {3, 0, 1}, {4, 1, 2}, {5, 0, 0}}).empty());
}

TEST_CASE("chain: what zeros took is found in each lane, where it stood") {
  const Missing both{{2, 3}, {3, 4}};
  CHECK(missing_from({{1, 0, 0}, {2, 1, 0}, kZeros, kZeros, {5, 0, 3}, {6, 1, 4}}) == both);
}

TEST_CASE("chain: on a later lap too, also at the file's beginning and around its end") {
  CHECK(missing_from({{6, 0, 5}, {7, 0, 6}, {3, 0, 2}, kZeros, {5, 0, 4}}) == Missing{{3, 4}});
  CHECK(missing_from({kZeros, {7, 0, 6}, {3, 0, 2}, {4, 0, 3}, {5, 0, 4}}) == Missing{{0, 6}});
  CHECK(missing_from({{6, 0, 5}, {7, 0, 6}, {3, 0, 2}, kZeros, kZeros}) == Missing{{3, 5}});
}

TEST_CASE("chain: a gap without zeros is what a pin or a smaller ring leaves") {
  CHECK(missing_from({{1, 0, 0}, {5, 0, 4}, {3, 0, 2}, {4, 0, 3}}).empty());
}

TEST_CASE("chain: zeros without a gap were never a record") {
  CHECK(missing_from({{1, 0, 0}, kZeros, {2, 0, 1}, {3, 0, 0}}).empty());
}

TEST_CASE("chain: a lane's oldest segment follows on one that was recycled") {
  CHECK(missing_from({{9, 0, 8}, kZeros, {7, 0, 6}, {8, 0, 7}}).empty());
  CHECK(missing_from({{9, 1, 5}, kZeros, {7, 0, 0}, {8, 0, 7}}).empty());
}

TEST_CASE("chain: the end of a file that has just grown is no gap's place") {
  CHECK(missing_from({{1, 0, 0}, {4, 0, 3}, kZeros}).empty());
}

TEST_CASE("chain: one that recovery sealed behind a newer one is no gap") {
  CHECK(missing_from({{1, 0, 0}, {2, 0, 3}, kZeros, {4, 0, 2}}).empty());
}

}  // namespace caprock::store
