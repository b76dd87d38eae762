// SPDX-License-Identifier: Apache-2.0
#include "store/batch_split.hpp"

#include <array>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/writer.hpp"

namespace caprock::store {
namespace {

/// Packets of 40 bytes: blocks of 80.
constexpr std::size_t kBlockBytes = 80;

std::vector<std::byte> blocks(std::size_t count) {
  const std::vector<std::byte> payload(40);
  std::vector<std::byte> bytes;
  pcapng::Packet packet;
  packet.captured = payload;
  packet.flags = 1;
  for (std::size_t i = 0; i < count; ++i)
    pcapng::Writer(bytes).packet(packet);
  REQUIRE(bytes.size() == count * kBlockBytes);
  return bytes;
}

/// Two pieces of 3 and 2 blocks, between which the source's positions jump from 1240 to 5000.
struct TwoPieces {
  std::vector<std::byte> first = blocks(3);
  std::vector<std::byte> second = blocks(2);
  std::array<BlockPiece, 2> pieces{{{first, 1240}, {second, 5160}}};
  PacketBatch batch{{SourceKind::kStage, 0, 1}, 1000, pieces};
};

TEST_CASE("batch split: what fits is taken whole") {
  const TwoPieces two;
  const Stretch all = fit(two.batch, {}, 5 * kBlockBytes);
  CHECK(all.end == BatchPoint{2, 0});
  CHECK(all.bytes == 5 * kBlockBytes);
  CHECK(position_at(two.batch, all.end) == 5160);
}

TEST_CASE("batch split: the cut is between two blocks, and its position is the source's") {
  const TwoPieces two;
  const Stretch some = fit(two.batch, {}, 4 * kBlockBytes + kBlockBytes / 2);
  CHECK(some.end == BatchPoint{1, kBlockBytes});
  CHECK(some.bytes == 4 * kBlockBytes);
  CHECK(position_at(two.batch, some.end) == 5160 - kBlockBytes);

  const Stretch rest = fit(two.batch, some.end, 1000);
  CHECK(rest.end == BatchPoint{2, 0});
  CHECK(rest.bytes == kBlockBytes);
}

TEST_CASE("batch split: a cut at the end of a piece has the position of that end") {
  const TwoPieces two;
  const Stretch first = fit(two.batch, {}, 3 * kBlockBytes);
  CHECK(first.end == BatchPoint{1, 0});
  CHECK(position_at(two.batch, first.end) == 1240);
}

TEST_CASE("batch split: nothing fits into less than a block") {
  const TwoPieces two;
  CHECK(fit(two.batch, {}, kBlockBytes - 8).bytes == 0);
  CHECK(fit(two.batch, {0, kBlockBytes}, 0).end == BatchPoint{0, kBlockBytes});
}

TEST_CASE("batch split: a block with a broken length ends the walk") {
  TwoPieces two;
  put<std::uint32_t>(two.first, kBlockBytes + 4, 0);
  CHECK(fit(two.batch, {}, 2 * kBlockBytes).bytes == kBlockBytes);
  put<std::uint32_t>(two.first, kBlockBytes + 4, 4'000'000);
  CHECK(fit(two.batch, {}, 2 * kBlockBytes).bytes == kBlockBytes);
}

TEST_CASE("batch split: the parts between two points are the bytes between them") {
  const TwoPieces two;
  std::size_t parts = 0;
  std::size_t bytes = 0;
  for_each_part(two.batch, {0, kBlockBytes}, {1, kBlockBytes}, [&](Bytes part) {
    ++parts;
    bytes += part.size();
  });
  CHECK(parts == 2);
  CHECK(bytes == 3 * kBlockBytes);
}

}  // namespace
}  // namespace caprock::store
