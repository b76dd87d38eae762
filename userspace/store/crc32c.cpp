// SPDX-License-Identifier: Apache-2.0
#include "store/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace caprock::store {
namespace {

/// The library counts in int.
constexpr std::size_t kMostBytes = 1 << 30;

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), kMostBytes);
    auto* const data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
    crc = crc32_iscsi(data, static_cast<int>(n), crc);
    bytes = bytes.subspan(n);
  }
  return ~crc;
}

}  // namespace caprock::store
