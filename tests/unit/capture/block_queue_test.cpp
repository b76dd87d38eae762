// SPDX-License-Identifier: Apache-2.0
#include "capture/block_queue.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;
using namespace caprock::capture;

namespace {

std::vector<std::byte> blocks(std::size_t bytes, int value) {
  return std::vector<std::byte>(bytes, std::byte(value));
}

constexpr SourceId kId{SourceKind::kEvents, 0, 1};

}  // namespace

TEST_CASE("block queue: blocks come out in the order in which they went in") {
  BlockQueue queue(kId, 7);
  CHECK(queue.peek().empty());
  queue.put(blocks(16, 1));
  queue.put(blocks(32, 2));
  const PacketBatch batch = queue.peek();
  CHECK(batch.position == 0);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].end_position == 16);
  CHECK(batch.pieces[1].end_position == 48);
  CHECK(batch.pieces[1].bytes[0] == std::byte{2});
  queue.consume(48);
  CHECK(queue.peek().empty());
  CHECK(queue.used_bytes() == 0);
}

TEST_CASE("block queue: a batch that was cut goes on at the cut") {
  BlockQueue queue(kId, 7);
  queue.put(blocks(32, 1));
  queue.put(blocks(8, 2));
  queue.consume(24);
  const PacketBatch batch = queue.peek();
  CHECK(batch.position == 24);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].bytes.size() == 8);
  CHECK(batch.pieces[1].bytes.size() == 8);
}

TEST_CASE("block queue: it says up to when it is complete") {
  BlockQueue queue(kId, 7);
  CHECK(queue.complete_ns() == 7);
  queue.put(blocks(16, 1));
  CHECK(queue.complete_ns() == 7);
  queue.set_complete(9);
  CHECK(queue.complete_ns() == 9);
}

TEST_CASE("block queue: it is full at 8 MiB, until a lane has taken some of it") {
  BlockQueue queue(kId, 0);
  queue.put(blocks(8 << 20, 1));
  CHECK(queue.full());
  queue.consume(8);
  CHECK_FALSE(queue.full());
}
