// SPDX-License-Identifier: Apache-2.0
// A part of an export on its way from the ring to the sink.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/byte_span.hpp"
#include "export/interface_table.hpp"
#include "export/sink.hpp"
#include "store/part_memory.hpp"

namespace caprock::exporting {

struct Piece {
  std::vector<std::byte> preface;  // descriptions of interfaces that are not in the file yet
  store::PartMemory memory;
  MutableBytes blocks;     // in the memory; as they are in the ring, in time order
  SharedInterfaceIds ids;  // of all of them

  /// Whether this much more of these ids belongs into the same piece: anything into an empty one.
  bool has_room_for(std::size_t bytes, const SharedInterfaceIds& more_ids) const {
    return blocks.empty() || (more_ids == ids && blocks.size() + bytes <= Sink::kPieceBytes);
  }

  /// Copies what there is room for.
  void append(Bytes more, const SharedInterfaceIds& more_ids) {
    if (blocks.empty())
      blocks = memory.with_room_for(std::max(more.size(), Sink::kPieceBytes)).first(0);
    std::memcpy(blocks.data() + blocks.size(), more.data(), more.size());
    blocks = {blocks.data(), blocks.size() + more.size()};
    ids = more_ids;
  }
};

}  // namespace caprock::exporting
