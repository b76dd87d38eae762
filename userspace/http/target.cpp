// SPDX-License-Identifier: Apache-2.0
#include "http/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/percent_encode.hpp"

namespace caprock::http {
namespace {

/// The byte that the two hexadecimal digits stand for; NUL, which no path or parameter holds,
/// counts as broken.
std::optional<char> decode_byte(std::string_view digits) {
  unsigned char byte = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, byte, 16);
  if (digits.size() != 2 || code != std::errc{} || stop != end || byte == 0) return std::nullopt;
  return static_cast<char>(byte);
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto byte = decode_byte(text.substr(i + 1, 2));
      if (!byte) return std::nullopt;
      decoded += *byte;
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

bool add_parameter(std::string_view text, std::map<std::string, std::string>& query) {
  const auto equals = text.find('=');
  auto name = decode(text.substr(0, equals), true);
  auto value = decode(equals == text.npos ? "" : text.substr(equals + 1), true);
  if (!name || !value) return false;
  query.insert_or_assign(std::move(*name), std::move(*value));
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  const auto mark = text.find('?');
  auto path = decode(text.substr(0, mark), false);
  if (!path || !path->starts_with('/')) return std::nullopt;
  Target target{std::move(*path), {}};
  std::string_view rest = mark == text.npos ? std::string_view{} : text.substr(mark + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    if (end != 0 && !add_parameter(rest.substr(0, end), target.query)) return std::nullopt;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return target;
}

std::string format_target(const Target& target) {
  std::string text = percent_encode(target.path, "/");
  char separator = '?';
  for (const auto& [name, value] : target.query) {
    text += fmt::format("{}{}={}", separator, percent_encode(name), percent_encode(value));
    separator = '&';
  }
  return text;
}

}  // namespace caprock::http
