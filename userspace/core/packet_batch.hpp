// SPDX-License-Identifier: Apache-2.0
// What a packet source hands to the store: finished pcapng blocks in the source's memory, not yet
// copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/byte_span.hpp"

namespace caprock {

/// Where blocks come from. Stored in run heads: values are part of the file format.
enum class SourceKind : std::uint16_t {
  kStage = 1,
  kRingBuffer = 2,
  kAfXdp = 3,
  kControl = 4,
  kEvents = 5,
  kKubernetes = 6
};

struct SourceId {
  SourceKind kind = SourceKind::kControl;
  std::uint32_t index = 0;  // CPU, queue; 0 for control
  std::uint64_t instance =
      0;  // tells one life of the source's memory from the next: ns of its creation

  bool operator==(const SourceId&) const = default;
};

/// Whole blocks that lie one behind the other in memory.
struct BlockPiece {
  Bytes bytes;
  std::uint64_t end_position = 0;  // the source's position behind the last block of the piece
};

/// What a source has ready: pieces in time order. A piece may be cut between two blocks; then the
/// position at the cut is end_position minus the bytes behind the cut. (A ring-buffer piece is a
/// single block and so is never cut.)
struct PacketBatch {
  SourceId source;
  std::uint64_t position = 0;  // the source's position at the first byte
  std::span<const BlockPiece> pieces;
  bool more = true;     // the source has more behind it, or may have
  bool urgent = false;  // the source is filling up: do not wait for a disk

  bool empty() const { return pieces.empty(); }
};

}  // namespace caprock
