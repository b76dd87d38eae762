// SPDX-License-Identifier: Apache-2.0
// A part of an export on its way from the ring to the sink.
#pragma once

#include <cstdint>
#include <vector>

#include "core/byte_span.hpp"
#include "export/interface_table.hpp"
#include "export/sink.hpp"

namespace caprock::exporting {

struct Piece {
  std::vector<std::byte> preface;  // descriptions of interfaces that are not in the file yet
  std::vector<std::byte> blocks;   // as they are in the ring, in time order
  SharedInterfaceIds ids;          // of all of them

  Piece() { blocks.reserve(Sink::kPieceBytes); }

  /// Whether this much more of these ids belongs into the same piece.
  bool has_room_for(std::size_t bytes, const SharedInterfaceIds& more_ids) const {
    return blocks.empty() || (more_ids == ids && blocks.size() + bytes <= Sink::kPieceBytes);
  }
};

}  // namespace caprock::exporting
