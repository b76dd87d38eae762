// SPDX-License-Identifier: Apache-2.0
#include "agent/clock_cut.hpp"

#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/writer.hpp"

namespace caprock::agent {
namespace {

/// Blocks with these times, as one piece each or all in one.
class Batch {
 public:
  explicit Batch(std::initializer_list<std::int64_t> times, bool split = false) {
    blocks_.reserve(4096);
    pcapng::Writer writer(blocks_);
    std::size_t begin = 0;
    for (const std::int64_t time_ns : times) {
      starts_.push_back(blocks_.size());
      writer.packet({.interface_id = 0, .time_ns = time_ns, .original_bytes = 60});
      if (split) add_piece(std::exchange(begin, blocks_.size()));
    }
    if (!split) add_piece(0);
  }

  PacketBatch get() const { return {.source = {}, .pieces = pieces_}; }
  std::size_t start(std::size_t block) const { return starts_[block]; }

 private:
  void add_piece(std::size_t begin) {
    pieces_.push_back({Bytes(blocks_).subspan(begin), blocks_.size()});
  }

  std::vector<std::byte> blocks_;
  std::vector<std::size_t> starts_;
  std::vector<BlockPiece> pieces_;
};

constexpr std::int64_t kSinceNs = 5000;
constexpr std::int64_t kEarliestNs = 4000;
constexpr ClockStep kBack{.before_ns = 100'000, .after_ns = 10'000, .since_ns = kSinceNs};
constexpr ClockStep kForward{.before_ns = 10'000, .after_ns = 100'000, .since_ns = kSinceNs};

using store::BatchPoint;

TEST_CASE("clock cut: back, it is where the time falls") {
  const Batch batch{104'500, 105'200, 15'300, 15'400};
  CHECK(ClockCut(kBack, kEarliestNs).find(batch.get()) == BatchPoint{0, batch.start(2)});
}

TEST_CASE("clock cut: back, it is in front of everything where all is earlier than it could be") {
  const Batch batch{15'300, 15'400};
  CHECK(ClockCut(kBack, kEarliestNs).find(batch.get()) == BatchPoint{0, 0});
}

TEST_CASE("clock cut: back, the fall may be between two batches") {
  ClockCut cut(kBack, kEarliestNs);
  CHECK(cut.find(Batch({104'500, 105'200}).get()) == BatchPoint{1, 0});
  CHECK(cut.find(Batch({15'300}).get()) == BatchPoint{0, 0});
}

TEST_CASE("clock cut: back by less than passed meanwhile, the order decides") {
  constexpr ClockStep kLittle{.before_ns = 10'000, .after_ns = 9'900, .since_ns = kSinceNs};
  const Batch fall{14'500, 15'200, 15'150, 15'300};
  CHECK(ClockCut(kLittle, kEarliestNs).find(fall.get()) == BatchPoint{0, fall.start(2)});
  const Batch none{14'500, 15'000, 15'150, 15'300};
  CHECK(ClockCut(kLittle, kEarliestNs).find(none.get()) == BatchPoint{1, 0});
}

TEST_CASE("clock cut: forward, it is at the first time that could not have been before") {
  const Batch batch({14'500, 15'200, 105'000, 105'400}, true);
  CHECK(ClockCut(kForward, kEarliestNs).find(batch.get()) == BatchPoint{2, 0});
}

TEST_CASE("clock cut: a batch that is all of the old time is before it") {
  const Batch batch{14'500, 15'200};
  CHECK(ClockCut(kForward, kEarliestNs).find(batch.get()) == BatchPoint{1, 0});
}

}  // namespace
}  // namespace caprock::agent
