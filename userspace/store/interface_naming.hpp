// SPDX-License-Identifier: Apache-2.0
// Blocks that say which interface an id has come to mean whose IDB, further up in the segment, is
// blank. pcapng has no such block: other readers skip it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/interface_list.hpp"
#include "pcapng/reader.hpp"

namespace caprock::store {

struct InterfaceNaming {
  std::uint32_t id = 0;
  InterfaceRecord record;
};

/// Appends the block to `out`.
void write_interface_naming(std::vector<std::byte>& out, std::uint32_t id,
                            const InterfaceRecord& record);

/// Nothing if it is another block, or malformed.
std::optional<InterfaceNaming> as_interface_naming(const pcapng::Block& block);

}  // namespace caprock::store
