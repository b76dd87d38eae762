// SPDX-License-Identifier: Apache-2.0
// Where to cut a batch that does not fit into what is left of a segment.
#pragma once

#include <cstdint>

#include "core/packet_batch.hpp"

namespace caprock::store {

/// A place between two blocks of a batch; the end is {pieces.size(), 0}.
struct BatchPoint {
  std::size_t piece = 0;
  std::size_t offset = 0;  // smaller than the piece

  bool operator==(const BatchPoint&) const = default;
};

/// The source's position at that point.
std::uint64_t position_at(const PacketBatch& batch, BatchPoint point);

struct Stretch {
  BatchPoint end;
  std::uint64_t bytes = 0;
};

/// The longest stretch of whole blocks from `begin` that is not over `room` bytes. Looks at block
/// lengths only in the piece in which the room ends.
Stretch fit(const PacketBatch& batch, BatchPoint begin, std::uint64_t room);

/// Calls take(Bytes) with the bytes from `begin` to `end`, one piece after another.
template <class Take>
void for_each_part(const PacketBatch& batch, BatchPoint begin, BatchPoint end, Take&& take) {
  for (; begin.piece < end.piece; begin = {begin.piece + 1, 0}) {
    take(batch.pieces[begin.piece].bytes.subspan(begin.offset));
  }
  if (end.offset > begin.offset) {
    take(batch.pieces[end.piece].bytes.subspan(begin.offset, end.offset - begin.offset));
  }
}

}  // namespace caprock::store
