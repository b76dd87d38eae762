// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/entry.hpp"

#include "core/printable_text.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::size_t kMaxTextBytes = 1024;

}  // namespace

Entry& Entry::field(std::string_view name, std::string_view value) {
  if (!value.empty()) fields_.emplace_back(name, printable_text(value.substr(0, kMaxTextBytes)));
  return *this;
}

Entry& Entry::say(std::string_view message) {
  message_ = printable_text(message.substr(0, kMaxTextBytes));
  return *this;
}

void Entry::write(std::vector<std::byte>& out, std::int64_t wall_ns) const {
  std::vector<pcapng::JournalField> fields{{"CAPROCK_LAYER", "kubernetes"},
                                           {"CAPROCK_EVENT", name_of(type_)}};
  for (const auto& [name, value] : fields_)
    fields.push_back({name, value});
  pcapng::write_note(out, wall_ns, message_, fields, priority_);
}

}  // namespace caprock::kubernetes
