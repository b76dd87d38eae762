// SPDX-License-Identifier: Apache-2.0
// Where the pieces of a run come to lie one behind the other.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "store/batch_split.hpp"

namespace caprock::store {

/// A run of many small pieces costs a page fault for each page of the file that it is stored to.
/// Copied together first, in memory that stays in the cache, it is written at once like a long
/// piece. Lane thread. Takes its memory when it is first used.
class GatherBuffer {
 public:
  static constexpr std::uint64_t kBytes = 2 << 20;

  /// The bytes from `begin` to `end`, at most kBytes, until the next call. Empty: there is no
  /// memory.
  Bytes gather(const PacketBatch& batch, BatchPoint begin, BatchPoint end);

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace caprock::store
