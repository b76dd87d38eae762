// SPDX-License-Identifier: Apache-2.0
// Fields of objects that came from outside: what is missing, or of another type, is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace caprock::kubernetes {

using Json = nlohmann::json;

/// More than etcd takes, even where each of its bytes needs several in JSON.
constexpr std::size_t kMaxObjectBytes = 8 << 20;

inline const Json& field(const Json& object, const char* name) {
  static const Json nothing;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? nothing : *found;
}

inline std::string text(const Json& value) {
  const auto* held = value.get_ptr<const std::string*>();
  return held == nullptr ? std::string() : *held;
}

inline std::string text(const Json& object, const char* name) {
  return text(field(object, name));
}

inline bool flag(const Json& object, const char* name) {
  const auto* held = field(object, name).get_ptr<const bool*>();
  return held != nullptr && *held;
}

/// 0 where the number does not fit.
template <class Number>
Number number(const Json& object, const char* name) {
  const auto& value = field(object, name);
  if (!value.is_number_integer()) return 0;
  const auto held = value.get<std::int64_t>();
  const bool fits = held >= std::int64_t{std::numeric_limits<Number>::min()} &&
                    held <= std::int64_t{std::numeric_limits<Number>::max()};
  return fits ? static_cast<Number>(held) : 0;
}

/// What is no text is left out.
inline std::map<std::string, std::string> texts_by_name(const Json& object) {
  std::map<std::string, std::string> all;
  if (object.is_object())
    for (const auto& [name, value] : object.items())
      if (value.is_string()) all.emplace(name, text(value));
  return all;
}

}  // namespace caprock::kubernetes
