// SPDX-License-Identifier: Apache-2.0
#include "agent/clock_cut.hpp"

#include <algorithm>

#include "pcapng/reader.hpp"

namespace caprock::agent {

store::BatchPoint ClockCut::find(const PacketBatch& batch) {
  for (std::size_t piece = 0; piece < batch.pieces.size(); ++piece) {
    pcapng::BlockCursor cursor(batch.pieces[piece].bytes);
    std::size_t offset = 0;
    while (const auto block = cursor.next()) {
      const auto time_ns = pcapng::block_time_ns(*block);
      if (time_ns && is_new(*time_ns)) return {piece, offset};
      offset = cursor.offset();
    }
  }
  return {batch.pieces.size(), 0};
}

bool ClockCut::is_new(std::int64_t time_ns) {
  if (step_.after_ns > step_.before_ns) return time_ns >= step_.since_ns + step_.after_ns;
  if (time_ns < latest_ns_) return true;
  latest_ns_ = time_ns;
  return false;
}

}  // namespace caprock::agent
