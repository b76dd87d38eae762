// SPDX-License-Identifier: Apache-2.0
#include "api/json.hpp"
#include "api/targets.hpp"
#include "api/targets_fields.hpp"

namespace caprock::api {

std::string to_json_text(const TargetsReport& report) {
  constexpr int kIndent = 2;
  return text_of(Json(report), kIndent);
}

Result<TargetsReport> parse_targets(std::string_view json) {
  return parse_document<TargetsReport>(json, "a list of targets");
}

}  // namespace caprock::api
