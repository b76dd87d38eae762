// SPDX-License-Identifier: Apache-2.0
#include "api/severity.hpp"

#include <algorithm>
#include <array>

namespace caprock::api {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 4> kNames = {"ok", "note", "warning", "fatal"};

}  // namespace

std::string_view severity_name(Severity severity) {
  return kNames[static_cast<std::size_t>(severity)];
}

Severity severity_of(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? Severity::kNote : static_cast<Severity>(found - kNames.begin());
}

}  // namespace caprock::api
