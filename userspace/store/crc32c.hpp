// SPDX-License-Identifier: Apache-2.0
// CRC-32C, the checksum of sealed segments (polynomial 0x1EDC6F41, reflected; RFC 3720, appendix
// B.4).
#pragma once

#include <cstdint>

#include "core/byte_span.hpp"

namespace caprock::store {

/// ISA-L's, the fastest there is for the processor at hand. The checksum of `bytes`; with `before`,
/// that of the bytes it was computed of and these together.
std::uint32_t crc32c(Bytes bytes, std::uint32_t before = 0);

}  // namespace caprock::store
