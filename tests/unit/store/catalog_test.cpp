// SPDX-License-Identifier: Apache-2.0
#include "store/catalog.hpp"

#include <catch2/catch_test_macros.hpp>

namespace caprock::store {
namespace {

/// Four sealed segments; the oldest record is at place 2, then 0, 3, 1.
void seal_four(Catalog& catalog) {
  catalog.sealed({0, 11}, 16, {200, 299});
  catalog.sealed({1, 12}, 18, {400, 499});
  catalog.sealed({2, 13}, 15, {100, 199});
  catalog.sealed({3, 14}, 17, {300, 399});
}

TEST_CASE("catalog: free segments are used first, from the front of the file") {
  Catalog catalog(4, 20);
  catalog.sealed({1, 5}, 6, {1, 2});
  CHECK(catalog.take()->index == 0);
  CHECK(catalog.take()->index == 2);
  CHECK(catalog.take()->index == 3);
  CHECK(catalog.take()->index == 1);
}

TEST_CASE("catalog: every use has a new sequence") {
  Catalog catalog(4, 20);
  CHECK(catalog.take()->sequence == 20);
  CHECK(catalog.take()->sequence == 21);
}

TEST_CASE("catalog: the segment that was sealed first is recycled") {
  Catalog catalog(4, 20);
  seal_four(catalog);
  CHECK(catalog.take()->index == 2);
  CHECK(catalog.take()->index == 0);
  CHECK(catalog.take()->index == 3);
  CHECK(catalog.take()->index == 1);
  CHECK_FALSE(catalog.take());
}

TEST_CASE("catalog: no segment is recycled before the disk knows that it may be") {
  Catalog catalog(4, 20);
  seal_four(catalog);
  catalog.allow_recycling(16);
  CHECK(catalog.take()->index == 2);
  CHECK_FALSE(catalog.take());
  CHECK_FALSE(catalog.pin_broken(11));
  REQUIRE(catalog.wanted_recycling() == 22);
  catalog.allow_recycling(22);
  CHECK_FALSE(catalog.wanted_recycling());
  CHECK(catalog.take()->index == 0);
}

TEST_CASE("catalog: pinned segments do not stand in the way of what may be recycled next") {
  Catalog catalog(40, 100);
  for (std::uint32_t index = 0; index < 40; ++index) {
    catalog.sealed({index, index + 1}, index + 10, {1, 2});
    if (index < 30) catalog.pin(index + 1);
  }
  catalog.allow_recycling(35);
  CHECK_FALSE(catalog.take());
  REQUIRE(catalog.wanted_recycling() == 101);
  catalog.allow_recycling(101);
  CHECK(catalog.take()->index == 30);
}

TEST_CASE("catalog: a segment that is held is not recycled, even where every other one is pinned") {
  Catalog catalog(4, 20);
  seal_four(catalog);
  CHECK_FALSE(catalog.hold({2, 12}));
  REQUIRE(catalog.hold({2, 13}));
  CHECK(catalog.take()->index == 0);
  catalog.pin(14);
  catalog.pin(12);
  CHECK(catalog.take()->index == 3);
  CHECK(catalog.pin_broken(14));
  catalog.let_go();
  CHECK(catalog.take()->index == 2);
}

TEST_CASE(
    "catalog: a record from when the clock was ahead is recycled in its turn, and spans the "
    "status") {
  Catalog catalog(2, 20);
  catalog.sealed({0, 11}, 12, {9000, 9999});
  catalog.sealed({1, 12}, 13, {100, 199});
  CHECK(catalog.history_begin() == 12);
  RingStatus status;
  catalog.describe(status);
  CHECK(status.oldest_ns == 100);
  CHECK(status.newest_ns == 9999);
  CHECK(catalog.take()->index == 0);
}

TEST_CASE(
    "catalog: an idle lane's segment that was finished late is not old because it was begun "
    "early") {
  Catalog catalog(2, 20);
  catalog.sealed({0, 3}, 18, {1, 999});
  catalog.sealed({1, 15}, 17, {500, 998});
  CHECK(catalog.take()->index == 1);
}

TEST_CASE("catalog: a pinned segment is passed over, as often as it is pinned") {
  Catalog catalog(4, 20);
  seal_four(catalog);
  REQUIRE(catalog.pin(13));
  REQUIRE(catalog.pin(13));
  catalog.unpin(13);
  CHECK(catalog.take()->index == 0);
  catalog.unpin(13);
  CHECK(catalog.take()->index == 2);
}

TEST_CASE("catalog: a segment that is gone cannot be pinned") {
  Catalog catalog(4, 20);
  seal_four(catalog);
  CHECK(catalog.take()->index == 2);
  CHECK_FALSE(catalog.pin(13));
  CHECK_FALSE(catalog.pin(999));
}

TEST_CASE("catalog: where all are pinned, the oldest gives way and its readers are told") {
  Catalog catalog(4, 20);
  seal_four(catalog);
  for (const std::uint64_t sequence : {11, 12, 13, 14})
    REQUIRE(catalog.pin(sequence));
  CHECK(catalog.take()->index == 2);
  CHECK(catalog.pin_broken(13));
  CHECK_FALSE(catalog.pin_broken(11));
  catalog.unpin(13);
  CHECK_FALSE(catalog.pin_broken(13));
}

TEST_CASE("catalog: no pin is broken while another segment is about to be sealed") {
  Catalog catalog(2, 20);
  catalog.sealed({0, 11}, 12, {200, 299});
  REQUIRE(catalog.pin(11));
  const SegmentUse use = *catalog.take();
  catalog.sealing(use.index);
  CHECK_FALSE(catalog.take());
  catalog.sealed(use, 21, {300, 399});
  CHECK(catalog.take()->index == use.index);
  CHECK_FALSE(catalog.pin_broken(11));
}

TEST_CASE("catalog: bad segments are given out on their own, the one that failed first in front") {
  Catalog catalog(4, 20);
  const SegmentUse first = *catalog.take();
  const SegmentUse second = *catalog.take();
  catalog.failed(second.index);
  catalog.failed(first.index);
  CHECK(catalog.take()->index == 2);
  CHECK(catalog.take_bad()->index == second.index);
  catalog.failed(second.index);
  CHECK(catalog.take_bad()->index == first.index);
  CHECK(catalog.take_bad()->index == second.index);
  CHECK_FALSE(catalog.take_bad());
}

TEST_CASE("catalog: the status counts segments by state and spans the record") {
  Catalog catalog(8, 20);
  seal_four(catalog);
  catalog.activated(catalog.take()->index);
  catalog.failed(catalog.take()->index);
  RingStatus status;
  status.segment_bytes = 1000;
  catalog.describe(status);
  CHECK(status.segments[static_cast<int>(SegmentState::kFree)] == 2);
  CHECK(status.segments[static_cast<int>(SegmentState::kActive)] == 1);
  CHECK(status.segments[static_cast<int>(SegmentState::kSealed)] == 4);
  CHECK(status.segments[static_cast<int>(SegmentState::kBad)] == 1);
  CHECK(status.used_bytes == 5000);
  CHECK(status.oldest_ns == 100);
  CHECK(status.newest_ns == 499);
}

TEST_CASE("catalog: a sealed segment counts as unsynced until all of it is durable") {
  Catalog catalog(4, 20);
  const SegmentUse use = *catalog.take();
  catalog.sealing(use.index);
  catalog.sealed(use, 21, {1, 2});
  REQUIRE(catalog.unsynced().size() == 1);
  int marks = 0;
  catalog.if_in_use({use.index, use.sequence + 1}, [&] { ++marks; });
  CHECK(marks == 0);
  catalog.if_in_use(use, [&] { ++marks; });
  CHECK(marks == 1);
  CHECK(catalog.unsynced().size() == 1);
  CHECK(catalog.durable(use));
  CHECK(catalog.unsynced().empty());
}

TEST_CASE("catalog: what a failed sync left in doubt stays so until its next use") {
  Catalog catalog(2, 20);
  const SegmentUse active = *catalog.take();
  const SegmentUse ready = *catalog.take();
  catalog.activated(active.index);
  catalog.doubt_unsynced();
  CHECK(catalog.doubtful(active.sequence));
  CHECK_FALSE(catalog.doubtful(ready.sequence));
  CHECK(catalog.unsynced().size() == 1);

  catalog.sealed(active, 22, {1, 2});
  CHECK(catalog.doubtful(active.sequence));
  CHECK(catalog.take()->index == active.index);
  CHECK_FALSE(catalog.any_doubtful());
}

}  // namespace
}  // namespace caprock::store
