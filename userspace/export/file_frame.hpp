// SPDX-License-Identifier: Apache-2.0
// What stands in an exported file before and behind the packets.
#pragma once

#include <span>
#include <vector>

#include "core/byte_span.hpp"
#include "export/block_rewriter.hpp"
#include "export/export.hpp"

namespace caprock::exporting {

/// The head of the file, but for the interfaces of a pcapng. `snaplen` 0: as recorded.
std::vector<std::byte> file_head(Format format, std::uint32_t snaplen);

/// pcapng: descriptions of interfaces in id order, their names behind `prefix`.
std::vector<std::byte> interface_blocks(std::span<const InterfaceRecord> interfaces,
                                        const std::string& prefix);

/// pcapng: what each interface has in the file, at the time of the last packet.
std::vector<std::byte> statistics_blocks(const Figures& figures);

}  // namespace caprock::exporting
