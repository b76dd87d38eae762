// SPDX-License-Identifier: Apache-2.0
// The status document as JSON.
#include "api/counter_fields.hpp"
#include "api/json.hpp"
#include "api/severity.hpp"
#include "api/status.hpp"
#include "api/status_fields.hpp"

namespace nlohmann {

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

}  // namespace nlohmann

namespace caprock::api {

namespace {

constexpr int kIndent = 2;

}  // namespace

std::string to_json_text(const AgentStatus& status) {
  return text_of(Json(status), kIndent);
}

std::string to_json_text(const Findings& findings) {
  return text_of(Json(findings), kIndent);
}

Result<AgentStatus> parse_status(std::string_view json) {
  return parse_document<AgentStatus>(json, "a status document");
}

}  // namespace caprock::api
