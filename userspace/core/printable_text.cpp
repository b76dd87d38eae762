// SPDX-License-Identifier: Apache-2.0
#include "core/printable_text.hpp"

#include <fmt/format.h>

namespace caprock {
namespace {

/// Length of the UTF-8 character that begins here, 0: there is none. RFC 3629.
std::size_t character_bytes(const unsigned char* at, std::size_t left) {
  if (*at < 0x80) return 1;
  const std::size_t bytes = *at >= 0xf0 && *at < 0xf5 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc2 ? 2 : 0;
  if (*at >= 0xf5 || bytes > left) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  const bool too_long = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xf0 && at[1] < 0x90);
  const bool no_letter = (*at == 0xed && at[1] >= 0xa0) || (*at == 0xf4 && at[1] >= 0x90);
  return too_long || no_letter ? 0 : bytes;
}

/// Of ASCII, and those that come behind it (U+0080 to U+009F): terminals obey both.
bool is_control(const unsigned char* character) {
  return *character < 0x20 || *character == 0x7f || (*character == 0xc2 && character[1] < 0xa0);
}

}  // namespace

std::string printable_text(std::string_view text) {
  const auto* const at = reinterpret_cast<const unsigned char*>(text.data());
  std::string printable;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t letters = character_bytes(at + i, text.size() - i);
    if (letters == 0 || is_control(at + i)) {
      printable += fmt::format("\\x{:02x}", at[i++]);
      continue;
    }
    printable += text.substr(i, letters);
    i += letters;
  }
  return printable;
}

}  // namespace caprock
