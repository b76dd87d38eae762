// SPDX-License-Identifier: Apache-2.0
// Request targets: path and query, percent-encoded (RFC 3986, section 2.1).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace caprock::http {

struct Target {
  std::string path;
  std::map<std::string, std::string> query;  // of a repeated name the last
};

/// Takes "/path?name=value&…" apart; nothing when an escape is broken or a NUL hides in it.
std::optional<Target> parse_target(std::string_view text);

/// The reverse.
std::string format_target(const Target& target);

}  // namespace caprock::http
