// SPDX-License-Identifier: Apache-2.0
// A line of caprock's own among the packets: a journal entry, which Wireshark shows as a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "pcapng/writer.hpp"

namespace caprock::pcapng {

/// Appends one block to `out`: a warning, with fields of its own behind those that every entry has.
void write_note(std::vector<std::byte>& out, std::int64_t wall_ns, std::string_view message,
                std::initializer_list<JournalField> more = {});

}  // namespace caprock::pcapng
