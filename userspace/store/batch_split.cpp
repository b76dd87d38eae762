// SPDX-License-Identifier: Apache-2.0
#include "store/batch_split.hpp"

#include "pcapng/format.hpp"

namespace caprock::store {
namespace {

/// Bytes of the whole blocks at the front of `bytes` that fit into `room`.
std::size_t whole_blocks(Bytes bytes, std::uint64_t room) {
  std::size_t end = 0;
  while (bytes.size() - end >= sizeof(pcapng::BlockHead)) {
    const std::size_t total = load<pcapng::BlockHead>(bytes, end).total_bytes;
    if (total < pcapng::kMinBlockBytes || total > bytes.size() - end || end + total > room) break;
    end += total;
  }
  return end;
}

}  // namespace

std::uint64_t position_at(const PacketBatch& batch, BatchPoint point) {
  if (point.offset != 0) {
    const BlockPiece& piece = batch.pieces[point.piece];
    return piece.end_position - (piece.bytes.size() - point.offset);
  }
  return point.piece == 0 ? batch.position : batch.pieces[point.piece - 1].end_position;
}

Stretch fit(const PacketBatch& batch, BatchPoint begin, std::uint64_t room) {
  Stretch stretch{begin, 0};
  for (; stretch.end.piece < batch.pieces.size(); stretch.end = {stretch.end.piece + 1, 0}) {
    const Bytes rest = batch.pieces[stretch.end.piece].bytes.subspan(stretch.end.offset);
    if (stretch.bytes + rest.size() > room) {
      const std::size_t whole = whole_blocks(rest, room - stretch.bytes);
      stretch.end.offset += whole;
      stretch.bytes += whole;
      break;
    }
    stretch.bytes += rest.size();
  }
  return stretch;
}

}  // namespace caprock::store
