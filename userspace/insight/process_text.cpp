// SPDX-License-Identifier: Apache-2.0
#include "insight/process_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "core/printable_text.hpp"

namespace caprock::insight {
namespace {

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
