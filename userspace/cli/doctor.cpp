// SPDX-License-Identifier: Apache-2.0
// caprock doctor
#include "agent/host_findings.hpp"
#include "api/status.hpp"
#include "cli/command.hpp"
#include "cli/config_options.hpp"
#include "config/config.hpp"

namespace caprock::cli {
namespace {

struct Options {
  ConfigOptions config;
  std::string output;
};

Result<int> report(const Options& options) {
  const auto loaded = config::load(options.config.chosen_file(), options.config.sets);
  if (!loaded) return loaded.error();
  const Findings findings = agent::inspect_host(loaded->config);
  const Status printed =
      print(options.output == "json" ? api::to_json_text(findings) : api::findings_table(findings));
  if (!printed) return printed.error();
  return agent::check(findings) ? kSuccess : kFailure;
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
