// SPDX-License-Identifier: Apache-2.0
#include "agent/host_findings.hpp"

#include <fmt/format.h>

#include "capture/preflight.hpp"
#include "store/ring.hpp"

namespace caprock::agent {

Findings inspect_host(const config::Config& config) {
  Findings findings = capture::preflight(
      {.pin_directory = config.agent.pin_dir, .stage_bytes = config.agent.stage_bytes});
  const auto disk =
      store::inspect_data_directory(config.agent.data_dir, config.tap.raw_storage_bytes);
  findings.insert(findings.end(), disk.begin(), disk.end());
  return findings;
}

Status check(const Findings& findings) {
  for (const Finding& finding : findings) {
    if (finding.severity != Severity::kFatal) continue;
    return Error(fmt::format("{}: {}; {}", finding.found, finding.consequence, finding.remedy));
  }
  return {};
}

}  // namespace caprock::agent
