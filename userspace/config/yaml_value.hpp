// SPDX-License-Identifier: Apache-2.0
// What the codecs of config/codecs.hpp share in reading YAML.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace caprock::config {

Result<std::string> scalar(const YAML::Node& value);

/// A list of single values; a single value alone is a list of one.
Result<std::vector<std::string>> scalars(const YAML::Node& value);

/// The decimal number that `text` is as a whole, when it is from `low` to `high`.
std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low,
                                          std::uint64_t high);

}  // namespace caprock::config
