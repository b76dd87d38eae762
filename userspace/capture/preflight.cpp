// SPDX-License-Identifier: Apache-2.0
#include "capture/preflight.hpp"

#include <iterator>
#include <utility>

#include "capture/bpf_file_system.hpp"
#include "capture/hook_survey.hpp"
#include "capture/kernel_features.hpp"
#include "capture/memory_limits.hpp"
#include "capture/privileges.hpp"

namespace caprock::capture {
namespace {

void append(Findings& to, Findings findings) {
  to.insert(to.end(), std::make_move_iterator(findings.begin()),
            std::make_move_iterator(findings.end()));
}

}  // namespace

Findings preflight(const PreflightOptions& options) {
  Findings findings = inspect_kernel_files();
  findings.push_back(inspect_privileges());
  const bool privileged = findings.back().severity == Severity::kOk;
  findings.push_back(inspect_process_view());
  if (!options.pin_directory.empty())
    findings.push_back(inspect_bpf_file_system(options.pin_directory));
  append(findings, inspect_memory_limits(options.stage_bytes));
  if (!privileged) return findings;
  append(findings, describe(probe_kernel_features()));
  append(findings, survey_hooks());
  return findings;
}

}  // namespace caprock::capture
