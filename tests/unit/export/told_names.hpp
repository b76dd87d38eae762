// SPDX-License-Identifier: Apache-2.0
// Entries of the Kubernetes layer as they stand in the record, for tests of those who read names.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pcapng/note.hpp"

namespace caprock::test {

/// Empty fields are left out.
inline void append_names(std::vector<std::byte>& out, std::int64_t time_ns, std::string_view event,
                         std::string_view name = {}, std::string_view addresses = {}) {
  std::vector<pcapng::JournalField> fields{{"CAPROCK_LAYER", "kubernetes"},
                                           {"CAPROCK_EVENT", event}};
  if (!name.empty()) fields.push_back({"CAPROCK_NAME", name});
  if (!addresses.empty()) fields.push_back({"CAPROCK_ADDRESSES", addresses});
  pcapng::write_note(out, time_ns, event, fields);
}

}  // namespace caprock::test
