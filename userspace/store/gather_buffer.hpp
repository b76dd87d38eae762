// SPDX-License-Identifier: Apache-2.0
// Where the pieces of a run come to lie one behind the other.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

#include "store/batch_split.hpp"

namespace caprock::store {

/// A run of many small pieces is copied together first, in memory that stays in the cache, and then
/// written at once like a long piece. Lane thread. Takes its memory when it is first used.
class GatherBuffer {
 public:
  static constexpr std::uint64_t kBytes = 2 << 20;

  /// The bytes from `begin` to `end`, at most kBytes, until the next call.
  Bytes gather(const PacketBatch& batch, BatchPoint begin, BatchPoint end);

 private:
  static constexpr std::align_val_t kAlignment{4096};  // a page

  struct Free {
    void operator()(std::byte* memory) const { operator delete[](memory, kAlignment); }
  };

  std::unique_ptr<std::byte[], Free> memory_;
};

}  // namespace caprock::store
