// SPDX-License-Identifier: Apache-2.0
// How documents become JSON: times are RFC 3339 or null, durations are seconds, under a name that
// says so, structs are objects of their fields.
#pragma once

#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/field.hpp"
#include "api/time.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"

namespace nlohmann {

using caprock::api::Time;

template <>
struct adl_serializer<caprock::Nanoseconds> {
  template <class Json>
  static void to_json(Json& out, caprock::Nanoseconds duration) {
    out = static_cast<double>(duration.count()) / 1e9;
  }
  template <class Json>
  static void from_json(const Json& in, caprock::Nanoseconds& duration) {
    duration = caprock::Nanoseconds(std::llround(in.template get<double>() * 1e9));
  }
};

template <>
struct adl_serializer<Time> {
  template <class Json>
  static void to_json(Json& out, Time time) {
    if (time == Time{}) {
      out = nullptr;
    } else {
      out = caprock::format_time(time.ns);
    }
  }
  template <class Json>
  static void from_json(const Json& in, Time& time) {
    if (in.is_null()) return;
    const auto ns = caprock::parse_time(in.template get<std::string>(), 0);
    if (!ns) throw std::invalid_argument(ns.error().message());
    time.ns = *ns;
  }
};

/// Every struct that has fields().
template <caprock::api::Described T>
struct adl_serializer<T> {
  template <class Json>
  static void to_json(Json& out, const T& value) {
    const auto put = [&](const auto& field) { out[field.name] = value.*field.member; };
    std::apply([&](const auto&... field) { (put(field), ...); }, fields(value));
  }
  template <class Json>
  static void from_json(const Json& in, T& value) {
    if (!in.is_object()) throw std::invalid_argument("an object is missing");
    const auto take = [&](const auto& field) {
      if (const auto it = in.find(field.name); it != in.end()) it->get_to(value.*field.member);
    };
    std::apply([&](const auto&... field) { (take(field), ...); }, fields(value));
  }
};

}  // namespace nlohmann

namespace caprock::api {

using Json = nlohmann::ordered_json;

/// Bytes from outside (interface names, error texts) that are not UTF-8 are replaced, never
/// refused. `indent`: -1: one line. With a line feed behind it.
inline std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Fields that are not there keep their defaults. `what`: "a status document".
template <class Document>
Result<Document> parse_document(std::string_view json, std::string_view what) {
  try {
    return Json::parse(json).get<Document>();
  } catch (const std::exception& refusal) {
    return Error("not " + std::string(what) + ": " + refusal.what());
  }
}

}  // namespace caprock::api
