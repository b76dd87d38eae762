// SPDX-License-Identifier: Apache-2.0
// Segments that the disk refuses for a while.
#include "store/housekeeping.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "disk_hook.hpp"
#include "recorder.hpp"

namespace caprock::store {
namespace {

using test::g_bad_offset;
using test::kMebibyte;
using test::kNowhere;

/// Housekeeping alone with a small ring, of which the lane takes what is prepared.
class House {
 public:
  explicit House(std::uint64_t segments = 16) : catalog_(segments, 1) {
    const auto path = directory_ / "ring.pcapng";
    auto fd = RingFile::open_descriptor(path);
    REQUIRE(fd);
    auto file = RingFile::map(*std::move(fd), path, {kMebibyte, segments});
    REQUIRE(file);
    file_ = *std::move(file);
    housekeeping_.emplace(*file_, catalog_, exchanges_, std::vector<LaneTotals>(1));
  }
  ~House() { g_bad_offset = kNowhere; }

  /// Works until there is nothing to do, and takes the segments that it prepared.
  std::vector<std::uint32_t> prepared() {
    while (housekeeping_->work()) {
    }
    std::vector<std::uint32_t> indexes;
    while (const auto segment = exchanges_[0].prepared.pop())
      indexes.push_back(segment->index);
    return indexes;
  }

  std::uint64_t bad() const {
    RingStatus status;
    catalog_.describe(status);
    return status.segments[static_cast<int>(SegmentState::kBad)];
  }

 private:
  test::TemporaryDirectory directory_;
  std::unique_ptr<RingFile> file_;
  Catalog catalog_;
  std::deque<LaneExchange> exchanges_{1};
  std::optional<Housekeeping> housekeeping_;
};

void wait_for_retry() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
}

TEST_CASE("housekeeping: a segment that failed is tried again before others are recycled") {
  House house;
  g_bad_offset = 0;
  CHECK(house.prepared().empty());
  CHECK(house.bad() == 1);
  CHECK(house.prepared().empty());  // the disk is left alone for a second
  g_bad_offset = kNowhere;
  wait_for_retry();
  CHECK(house.prepared() == std::vector<std::uint32_t>{0, 1});
  CHECK(house.bad() == 0);
}

TEST_CASE("housekeeping: a segment that stays bad does not hold up the others") {
  House house;
  g_bad_offset = 0;
  CHECK(house.prepared().empty());
  wait_for_retry();
  CHECK(house.prepared() == std::vector<std::uint32_t>{1, 2});
  CHECK(house.prepared() == std::vector<std::uint32_t>{3, 4});
  CHECK(house.bad() == 1);
}

TEST_CASE("housekeeping: where all segments are bad they are tried every second") {
  House house(1);
  g_bad_offset = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    CHECK(house.prepared().empty());
    wait_for_retry();
  }
  g_bad_offset = kNowhere;
  CHECK(house.prepared() == std::vector<std::uint32_t>{0});
}

}  // namespace
}  // namespace caprock::store
