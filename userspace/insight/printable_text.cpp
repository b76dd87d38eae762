// SPDX-License-Identifier: Apache-2.0
#include "insight/printable_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

namespace caprock::insight {
namespace {

/// Length of the UTF-8 character that begins here, 0: there is none. RFC 3629.
std::size_t character_bytes(const unsigned char* at, std::size_t left) {
  if (*at < 0x80) return 1;
  const std::size_t bytes = *at >= 0xf0 && *at < 0xf5 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc2 ? 2 : 0;
  if (*at >= 0xf5 || bytes > left) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  return bytes;
}

/// In quotes where a shell would need them.
std::string printable_argument(std::string_view argument) {
  std::string escaped;
  for (const char letter : argument) {
    if (letter == '"' || letter == '\\') escaped += '\\';
    escaped += letter;
  }
  const bool plain = !argument.empty() && argument.find_first_of(" \"'") == argument.npos;
  return plain ? printable_text(escaped) : fmt::format("\"{}\"", printable_text(escaped));
}

}  // namespace

std::string printable_text(std::string_view text) {
  const auto* const at = reinterpret_cast<const unsigned char*>(text.data());
  std::string printable;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t letters = character_bytes(at + i, text.size() - i);
    if (letters == 0 || at[i] < 0x20 || at[i] == 0x7f) {
      printable += fmt::format("\\x{:02x}", at[i++]);
      continue;
    }
    printable += text.substr(i, letters);
    i += letters;
  }
  return printable;
}

std::string printable_command(const unsigned char* arguments, std::size_t bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes;) {
    const auto* const argument = reinterpret_cast<const char*>(arguments + at);
    const std::size_t length = ::strnlen(argument, bytes - at);
    if (at != 0) text += ' ';
    text += printable_argument({argument, length});
    at += length + 1;
  }
  return text;
}

std::string printable_endpoint(const unsigned char (&address)[16], std::uint16_t port) {
  constexpr std::array<unsigned char, 12> kIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN];
  if (std::memcmp(address, kIpv4.data(), kIpv4.size()) == 0) {
    ::inet_ntop(AF_INET, address + kIpv4.size(), text, sizeof text);
    return fmt::format("{}:{}", text, port);
  }
  ::inet_ntop(AF_INET6, address, text, sizeof text);
  return fmt::format("[{}]:{}", text, port);
}

}  // namespace caprock::insight
