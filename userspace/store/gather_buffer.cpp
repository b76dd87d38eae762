// SPDX-License-Identifier: Apache-2.0
#include "store/gather_buffer.hpp"

#include <cstring>

namespace caprock::store {

Bytes GatherBuffer::gather(const PacketBatch& batch, BatchPoint begin, BatchPoint end) {
  if (!memory_) memory_.reset(new (kAlignment) std::byte[kBytes]);
  std::byte* to = memory_.get();
  for_each_part(batch, begin, end, [&to](Bytes part) {
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  });
  return {memory_.get(), to};
}

}  // namespace caprock::store
