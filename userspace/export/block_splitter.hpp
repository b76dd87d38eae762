// SPDX-License-Identifier: Apache-2.0
// Whole blocks out of a capture stream.
#pragma once

#include <cstddef>
#include <vector>

#include "core/byte_span.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// Takes a pcapng stream in pieces of any size.
class BlockSplitter {
 public:
  /// Calls `take` for each block that this piece completes. A block is valid within the call.
  template <class Take>
  void split(Bytes piece, Take take) {
    const bool in_place = rest_.empty();
    if (!in_place) rest_.insert(rest_.end(), piece.begin(), piece.end());
    const Bytes bytes = in_place ? piece : Bytes(rest_);
    pcapng::BlockCursor cursor(bytes);
    while (const auto block = cursor.next())
      take(*block);
    if (in_place)
      rest_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(cursor.offset()), bytes.end());
    else
      rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(cursor.offset()));
  }

  /// Whether what came so far is whole blocks.
  bool at_border() const { return rest_.empty(); }

 private:
  std::vector<std::byte> rest_;  // the beginning of a block of which more is to come
};

}  // namespace caprock::exporting
