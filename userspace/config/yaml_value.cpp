// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_value.hpp"

#include <charconv>

namespace caprock::config {

Result<std::string> scalar(const YAML::Node& value) {
  if (!value.IsScalar()) return Error("must be a single value");
  return value.Scalar();
}

Result<std::vector<std::string>> scalars(const YAML::Node& value) {
  if (value.IsScalar()) return std::vector<std::string>{value.Scalar()};
  if (!value.IsSequence()) return Error("must be a list, as [a, b]");
  std::vector<std::string> texts;
  for (const auto& item : value) {
    if (!item.IsScalar() || item.Scalar().empty()) return Error("must be a list of single values");
    texts.push_back(item.Scalar());
  }
  return texts;
}

std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low,
                                          std::uint64_t high) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || stop != end || number < low || number > high) return std::nullopt;
  return number;
}

}  // namespace caprock::config
