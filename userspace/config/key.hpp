// SPDX-License-Identifier: Apache-2.0
// The keys of the configuration: the one table that YAML, --set, refusals, the default file and
// docs/configuration.md go by.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace YAML {
class Node;
}

namespace caprock::config {

/// When a change of the key takes effect.
enum class Effect { kLive, kRestart };

struct Key {
  std::string_view path;     // "tap.capture.raw.storageSize"
  std::string_view kind;     // of its values, for people: "size"
  std::string_view meaning;  // one or two sentences without a full stop at the end
  Effect effect;
  std::string_view newer;  // the path that replaces this spelling; empty: this is the one to use

  /// Puts the value into the configuration, or says what is wrong with it and what would be right.
  Status (*read)(const YAML::Node& value, Config& config);

  /// The value as YAML.
  std::string (*print)(const Config& config);
};

/// All keys, grouped by section.
std::span<const Key> keys();

/// The key of that path, or null.
const Key* find_key(std::string_view path);

/// Whether keys lie below that path.
bool is_section(std::string_view path);

/// The path that was probably meant, or nothing.
std::string_view nearest_key(std::string_view path);

}  // namespace caprock::config
