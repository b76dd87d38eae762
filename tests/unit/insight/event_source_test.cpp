// SPDX-License-Identifier: Apache-2.0
#include "insight/event_source.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;
using namespace caprock::insight;

namespace {

std::vector<std::byte> blocks(std::size_t bytes, int value) {
  return std::vector<std::byte>(bytes, std::byte(value));
}

constexpr SourceId kId{SourceKind::kEvents, 0, 1};

}  // namespace

TEST_CASE("event source: blocks come out in the order in which they went in") {
  EventSource source(kId, 7);
  CHECK(source.peek().empty());
  source.put(blocks(16, 1));
  source.put(blocks(32, 2));
  const PacketBatch batch = source.peek();
  CHECK(batch.position == 0);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].end_position == 16);
  CHECK(batch.pieces[1].end_position == 48);
  CHECK(batch.pieces[1].bytes[0] == std::byte{2});
  source.consume(48);
  CHECK(source.peek().empty());
  CHECK(source.used_bytes() == 0);
}

TEST_CASE("event source: a batch that was cut goes on at the cut") {
  EventSource source(kId, 7);
  source.put(blocks(32, 1));
  source.put(blocks(8, 2));
  source.consume(24);
  const PacketBatch batch = source.peek();
  CHECK(batch.position == 24);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].bytes.size() == 8);
  CHECK(batch.pieces[1].bytes.size() == 8);
}

TEST_CASE("event source: it says up to when it is complete") {
  EventSource source(kId, 7);
  CHECK(source.complete_ns() == 7);
  source.put(blocks(16, 1));
  CHECK(source.complete_ns() == 7);
  source.set_complete(9);
  CHECK(source.complete_ns() == 9);
}

TEST_CASE("event source: it is full at 8 MiB, until a lane has taken some of it") {
  EventSource source(kId, 0);
  source.put(blocks(8 << 20, 1));
  CHECK(source.full());
  source.consume(8);
  CHECK_FALSE(source.full());
}
