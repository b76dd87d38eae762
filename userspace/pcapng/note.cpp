// SPDX-License-Identifier: Apache-2.0
#include "pcapng/note.hpp"

#include <string>

namespace caprock::pcapng {
namespace {

constexpr std::string_view kIdentifier = "caprock";

}  // namespace

void write_note(std::vector<std::byte>& out, std::int64_t wall_ns, std::string_view message,
                std::span<const JournalField> more, Priority priority) {
  constexpr std::int64_t kNsPerUs = 1000;
  const std::string time_us = std::to_string(wall_ns / kNsPerUs);
  const std::string level = std::to_string(static_cast<int>(priority));
  std::vector<JournalField> fields{{"__REALTIME_TIMESTAMP", time_us},
                                   {"MESSAGE", message},
                                   {"PRIORITY", level},
                                   {"SYSLOG_IDENTIFIER", kIdentifier}};
  fields.insert(fields.end(), more.begin(), more.end());
  Writer(out).journal_entry(fields);
}

bool is_note(const Block& block) {
  return journal_field(block, "SYSLOG_IDENTIFIER") == kIdentifier &&
         journal_field(block, "CAPROCK_LAYER").empty();
}

}  // namespace caprock::pcapng
