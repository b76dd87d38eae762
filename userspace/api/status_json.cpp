// SPDX-License-Identifier: Apache-2.0
// The status document as JSON. Times are RFC 3339 or null, durations are seconds, under a name that
// says so.
#include <cmath>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/counter_fields.hpp"
#include "api/severity.hpp"
#include "api/status.hpp"
#include "api/status_fields.hpp"

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

template <>
struct adl_serializer<caprock::Severity> {
  template <class Json>
  static void to_json(Json& out, caprock::Severity severity) {
    out = caprock::api::severity_name(severity);
  }
  template <class Json>
  static void from_json(const Json& in, caprock::Severity& severity) {
    severity = caprock::api::severity_of(in.template get<std::string>());
  }
};

template <>
struct adl_serializer<capture_counters> {
  template <class Json>
  static void to_json(Json& out, const capture_counters& counters) {
    for (const auto& field : caprock::api::kCounterFields)
      out[field.name] = counters.*field.member;
  }
  template <class Json>
  static void from_json(const Json& in, capture_counters& counters) {
    for (const auto& field : caprock::api::kCounterFields)
      counters.*field.member = in.value(field.name, std::uint64_t{0});
  }
};

template <>
struct adl_serializer<caprock::DistinctError> {
  template <class Json>
  static void to_json(Json& out, const caprock::DistinctError& error) {
    out["message"] = error.message;
    out["count"] = error.count;
    out["first"] = Time{error.first_ns};
    out["last"] = Time{error.last_ns};
  }
  template <class Json>
  static void from_json(const Json& in, caprock::DistinctError& error) {
    error.message = in.value("message", std::string());
    error.count = in.value("count", std::uint64_t{0});
    error.first_ns = in.value("first", Time{}).ns;
    error.last_ns = in.value("last", Time{}).ns;
  }
};

/// Every struct that status_fields.hpp describes.
template <caprock::api::Described T>
struct adl_serializer<T> {
  template <class Json>
  static void to_json(Json& out, const T& value) {
    const auto put = [&](const auto& field) { out[field.name] = value.*field.member; };
    std::apply([&](const auto&... field) { (put(field), ...); }, caprock::api::fields(value));
  }
  template <class Json>
  static void from_json(const Json& in, T& value) {
    if (!in.is_object()) throw std::invalid_argument("an object is missing");
    const auto take = [&](const auto& field) {
      if (const auto it = in.find(field.name); it != in.end()) it->get_to(value.*field.member);
    };
    std::apply([&](const auto&... field) { (take(field), ...); }, caprock::api::fields(value));
  }
};

}  // namespace nlohmann

namespace caprock::api {

using Json = nlohmann::ordered_json;

namespace {

/// Bytes from outside (interface names, error texts) that are not UTF-8 are replaced, never
/// refused.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_json_text(const AgentStatus& status) {
  return text_of(Json(status));
}

std::string to_json_text(const Findings& findings) {
  return text_of(Json(findings));
}

Result<AgentStatus> parse_status(std::string_view json) {
  try {
    return Json::parse(json).get<AgentStatus>();
  } catch (const std::exception& refusal) {
    return Error(std::string("not a status document: ") + refusal.what());
  }
}

}  // namespace caprock::api
