// SPDX-License-Identifier: Apache-2.0
#include "export/missing_parts.hpp"

#include <vector>

#include "pcapng/note.hpp"

namespace caprock::exporting {

Status tell_missing(Pump& pump, std::span<const std::string> lines, std::int64_t time_ns) {
  std::vector<std::byte> notes;
  for (const std::string& line : lines)
    pcapng::write_note(notes, time_ns, line);
  return pump.write(notes);
}

}  // namespace caprock::exporting
