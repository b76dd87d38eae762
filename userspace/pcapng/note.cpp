// SPDX-License-Identifier: Apache-2.0
#include "pcapng/note.hpp"

#include <string>

namespace caprock::pcapng {

void write_note(std::vector<std::byte>& out, std::int64_t wall_ns, std::string_view message,
                std::initializer_list<JournalField> more) {
  constexpr std::int64_t kNsPerUs = 1000;
  const std::string time_us = std::to_string(wall_ns / kNsPerUs);
  std::vector<JournalField> fields{{"__REALTIME_TIMESTAMP", time_us},
                                   {"MESSAGE", message},
                                   {"PRIORITY", "4"},  // warning
                                   {"SYSLOG_IDENTIFIER", "caprock"}};
  fields.insert(fields.end(), more);
  Writer(out).journal_entry(fields);
}

}  // namespace caprock::pcapng
