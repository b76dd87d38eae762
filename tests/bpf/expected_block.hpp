// SPDX-License-Identifier: Apache-2.0
// The block that a packet should have become, written by hand from the pcapng specification.
#pragma once

#include <cstdint>

#include "packet_builder.hpp"

namespace caprock::test {

struct ExpectedBlock {
  ByteVector packet;               // captured bytes
  std::size_t original_bytes = 0;  // 0: as many as captured
  std::uint32_t interface_id = 3;
  std::uint32_t flags = 1;    // epb_flags: inbound
  std::uint64_t dropped = 0;  // epb_dropcount; 0: no such option
};

/// Its bytes, with the time that `actual` has.
ByteVector block_bytes(const ExpectedBlock& expected, const ByteVector& actual);

/// ns since the epoch.
std::uint64_t block_time(const ByteVector& block);

std::uint32_t captured_bytes(const ByteVector& block);

}  // namespace caprock::test
