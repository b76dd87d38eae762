// SPDX-License-Identifier: Apache-2.0
// A pcapng reader that knows nothing of rings and forgives nothing: what a stock reader sees.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/byte_span.hpp"
#include "store/format.hpp"

namespace caprock::store::test {

struct WalkedFile {
  std::string fault;                       // empty: valid to the last byte
  std::vector<std::int64_t> packet_times;  // of EPBs, in file order
  std::vector<SegmentFoot> feet;
  std::uint64_t sections = 0;
  std::uint64_t dropped = 0;
};

WalkedFile walk(Bytes file);

}  // namespace caprock::store::test
