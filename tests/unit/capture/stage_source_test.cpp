// SPDX-License-Identifier: Apache-2.0
#include "capture/stage_source.hpp"

#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "fake_stage.hpp"

using namespace caprock;
using namespace caprock::capture;

namespace {

constexpr SourceId kId{SourceKind::kStage, 3, 77};
constexpr std::uint64_t kBig = 3000;  // one to a segment

}  // namespace

TEST_CASE("stage source: what lies between tail and head is one piece") {
  FakeStage stage;
  StageSource source(kId, stage.view());
  CHECK(source.peek().empty());

  stage.put(96, 1);
  stage.put(104, 2);
  const PacketBatch batch = source.peek();
  CHECK(batch.source == kId);
  CHECK(batch.position == 0);
  REQUIRE(batch.pieces.size() == 1);
  CHECK(batch.pieces[0].end_position == 200);
  REQUIRE(batch.pieces[0].bytes.size() == 200);
  CHECK(load<std::uint64_t>(batch.pieces[0].bytes, 96) == 2);
  CHECK(source.used_bytes() == 200);
}

TEST_CASE("stage source: a piece stays until it is consumed") {
  FakeStage stage;
  StageSource source(kId, stage.view());
  stage.put(96, 1);
  CHECK(source.peek().pieces[0].end_position == 96);
  CHECK(source.peek().pieces[0].end_position == 96);
  source.consume(96);
  CHECK(source.peek().empty());
  CHECK(stage.tail() == 96);
}

TEST_CASE("stage source: a cut inside a piece is where the next one begins") {
  FakeStage stage;
  StageSource source(kId, stage.view());
  stage.put(96, 1);
  stage.put(96, 2);
  (void)source.peek();
  source.consume(96);
  const PacketBatch rest = source.peek();
  CHECK(rest.position == 96);
  CHECK(load<std::uint64_t>(rest.pieces[0].bytes) == 2);
}

TEST_CASE("stage source: a closed segment ends at its end offset, and the next one follows") {
  FakeStage stage;
  StageSource source(kId, stage.view());
  stage.put(kBig, 1);
  stage.put(kBig, 2);

  const PacketBatch first = source.peek();
  CHECK(first.pieces[0].end_position == kBig);
  source.consume(kBig);
  const PacketBatch second = source.peek();
  CHECK(second.position == FakeStage::kSegmentBytes);
  CHECK(second.pieces[0].bytes.size() == kBig);
  CHECK(load<std::uint64_t>(second.pieces[0].bytes) == 2);
}

TEST_CASE(
    "stage source: the tail leaves a closed segment as soon as that is consumed, so that it can be "
    "written again") {
  FakeStage stage;
  StageSource source(kId, stage.view());
  for (std::uint64_t n = 0; n < FakeStage::kSegments; ++n)
    REQUIRE(stage.put(kBig, n));
  REQUIRE_FALSE(stage.put(kBig, 4));

  (void)source.peek();
  source.consume(kBig);
  CHECK(stage.tail() == FakeStage::kSegmentBytes);
  CHECK(stage.put(kBig, 4));
}

TEST_CASE("stage source: a tail at the end of a segment that is closed later moves on") {
  FakeStage stage;
  StageSource source(kId, stage.view());
  stage.put(kBig, 1);
  (void)source.peek();
  source.consume(kBig);
  CHECK(stage.tail() == kBig);

  stage.put(kBig, 2);
  CHECK(source.peek().position == FakeStage::kSegmentBytes);
}

TEST_CASE("stage source: a new agent resumes at the tail, or where recovery says") {
  FakeStage stage;
  stage.put(kBig, 1);
  stage.put(kBig, 2);
  stage.put(96, 3);
  {
    StageSource source(kId, stage.view());
    source.consume(kBig);
  }
  StageSource source(kId, stage.view());
  CHECK(source.peek().position == FakeStage::kSegmentBytes);

  source.resume(FakeStage::kSegmentBytes +
                kBig);  // in the ring already, but the tail was not yet told
  CHECK(load<std::uint64_t>(source.peek().pieces[0].bytes) == 3);
  source.resume(kBig);       // behind
  source.resume(1'000'000);  // not among what waits
  CHECK(load<std::uint64_t>(source.peek().pieces[0].bytes) == 3);
}

TEST_CASE(
    "stage source: every block comes once, whole and in order, while the programs go on writing") {
  constexpr std::uint64_t kBlocks = 50'000;
  FakeStage stage;
  StageSource source(kId, stage.view());
  std::thread programs([&] {
    for (std::uint64_t n = 1; n <= kBlocks; ++n) {
      while (!stage.put(8 * (1 + n * 7919 % 200), n))
        std::this_thread::yield();
    }
  });

  std::uint64_t words_wrong = 0;
  std::uint64_t next = 1;
  while (next <= kBlocks) {
    const PacketBatch batch = source.peek();
    if (batch.empty()) std::this_thread::yield();
    for (const BlockPiece& piece : batch.pieces) {
      std::size_t at = 0;
      for (; at < piece.bytes.size(); ++next) {
        for (const std::size_t end = at + 8 * (1 + next * 7919 % 200); at < end; at += 8) {
          words_wrong += load<std::uint64_t>(piece.bytes, at) != next;
        }
      }
      source.consume(piece.end_position);
    }
  }
  programs.join();
  CHECK(words_wrong == 0);
  CHECK(source.peek().empty());
}
