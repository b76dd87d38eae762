// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/entry_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace caprock::kubernetes {

std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, " "));
}

std::string text_of(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  return text;
}

std::string owner_of(const Pod& pod) {
  return pod.owner_kind.empty() ? "" : fmt::format("{}/{}", pod.owner_kind, pod.owner_name);
}

std::string described(std::string_view reason, std::string_view message) {
  std::string text;
  for (const std::string_view part : {reason, message})
    if (!part.empty()) text += fmt::format(": {}", part);
  return text;
}

}  // namespace caprock::kubernetes
