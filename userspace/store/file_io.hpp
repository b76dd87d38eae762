// SPDX-License-Identifier: Apache-2.0
// Whole reads and writes at an offset of a file. Any thread.
#pragma once

#include <cstdint>

#include "core/byte_span.hpp"

namespace caprock::store {

/// False, with errno: not all of it was written.
bool write_all(int fd, Bytes bytes, std::uint64_t offset);

/// False: the file ends before, or cannot be read.
bool read_all(int fd, MutableBytes bytes, std::uint64_t offset);

}  // namespace caprock::store
