// SPDX-License-Identifier: Apache-2.0
// Packets that tell of no loss: nearly all of a record, and the same in it and in an exported file
// where the interface ids are the same.
#pragma once

#include <cstddef>

#include "core/byte_span.hpp"
#include "export/figures.hpp"

namespace caprock::exporting {

/// Counts those at the front of `blocks` whose options are epb_flags alone, and whose interface is
/// one of the first `ids` and was met before. Returns their length.
std::size_t count_plain_packets(Bytes blocks, std::size_t ids, Figures& figures);

}  // namespace caprock::exporting
