// SPDX-License-Identifier: Apache-2.0
// The preflight's findings for people.
#include <fmt/format.h>

#include <algorithm>

#include "api/severity.hpp"
#include "api/status.hpp"

namespace caprock::api {

std::string findings_table(const Findings& findings) {
  Findings sorted = findings;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  std::string text;
  for (const auto& finding : sorted) {
    text += fmt::format("{:<8} {:<24} {}\n", severity_name(finding.severity), finding.id,
                        finding.found);
    if (!finding.consequence.empty()) text += fmt::format("{:34}{}\n", "", finding.consequence);
    if (!finding.remedy.empty()) text += fmt::format("{:34}→ {}\n", "", finding.remedy);
  }
  return text;
}

}  // namespace caprock::api
