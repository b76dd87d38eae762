// SPDX-License-Identifier: Apache-2.0
// caprock doctor
#include <algorithm>

#include "api/status.hpp"
#include "capture/preflight.hpp"
#include "cli/command.hpp"
#include "cli/config_options.hpp"
#include "config/config.hpp"
#include "store/ring.hpp"

namespace caprock::cli {
namespace {

struct Options {
  ConfigOptions config;
  std::string output;
};

Findings examine(const config::Config& config) {
  Findings findings = capture::preflight(
      {.pin_directory = config.agent.pin_dir, .stage_bytes = config.agent.stage_bytes});
  const auto disk =
      store::inspect_data_directory(config.agent.data_dir, config.tap.raw_storage_bytes);
  findings.insert(findings.end(), disk.begin(), disk.end());
  return findings;
}

Result<int> report(const Options& options) {
  const auto loaded = config::load(options.config.chosen_file(), options.config.sets);
  if (!loaded) return loaded.error();
  const Findings findings = examine(loaded->config);
  const Status printed =
      print(options.output == "json" ? api::to_json_text(findings) : api::findings_table(findings));
  if (!printed) return printed.error();
  const bool fatal = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::kFatal;
  });
  return fatal ? kFailure : kSuccess;
}

}  // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "doctor",
      "Look whether this host can record, and say what to do where not. Exit status 1: it cannot");
  const auto options = std::make_shared<Options>();
  add_config_options(*command, options->config);
  add_choice(*command, "-o,--output", options->output, {"table", "json"}, "Form of the answer");
  command->callback(
      [&invocation, options] { invocation.action = [options] { return report(*options); }; });
}

}  // namespace caprock::cli
