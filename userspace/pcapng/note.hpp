// SPDX-License-Identifier: Apache-2.0
// A line of caprock's own among the packets: a journal entry, which Wireshark shows as a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pcapng/reader.hpp"
#include "pcapng/writer.hpp"

namespace caprock::pcapng {

/// syslog(3).
enum class Priority { kError = 3, kWarning = 4, kNotice = 5, kInformation = 6 };

/// Appends one block to `out`, with fields of its own behind those that every entry has.
void write_note(std::vector<std::byte>& out, std::int64_t wall_ns, std::string_view message,
                std::span<const JournalField> more = {}, Priority priority = Priority::kWarning);

/// Whether the block is such an entry, about the record itself: not of a layer, whose fields come
/// from outside.
bool is_note(const Block& block);

}  // namespace caprock::pcapng
