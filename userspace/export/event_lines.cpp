// SPDX-License-Identifier: Apache-2.0
#include "export/event_lines.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "pcapng/reader.hpp"

namespace caprock::exporting {
namespace {

/// What is no UTF-8 is replaced: a line is always JSON.
void put_line(std::string& out, const pcapng::Block& journal) {
  nlohmann::ordered_json line;
  pcapng::JournalCursor fields(journal);
  while (const auto field = fields.next())
    line[std::string(field->first)] = field->second;
  out += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  out += '\n';
}

}  // namespace

Status EventLines::write(Bytes piece) {
  std::string out;
  blocks_.split(piece, [&](const pcapng::Block& block) {
    if (block.type == pcapng::kJournalExport) put_line(out, block);
  });
  written_bytes_ += out.size();
  return lines_.write(std::as_bytes(std::span(out)));
}

}  // namespace caprock::exporting
