// SPDX-License-Identifier: Apache-2.0
// caprock agent
#include "agent/run.hpp"
#include "cli/command.hpp"
#include "cli/config_options.hpp"
#include "config/config.hpp"
#include "core/log.hpp"

namespace caprock::cli {
namespace {

struct Options {
  ConfigOptions config;
  std::string log_level;
  bool uninstall = false;
  bool check = false;
};

LogLevel level_of(const std::string& name) {
  if (name == "error") return LogLevel::kError;
  if (name == "warning") return LogLevel::kWarning;
  return name == "debug" ? LogLevel::kDebug : LogLevel::kInfo;
}

Result<int> check(const agent::Options& chosen) {
  const auto loaded = config::load(chosen.config_file, chosen.sets);
  if (!loaded) return loaded.error();
  for (const auto& note : loaded->notes)
    if (const Status printed = print(note + "\n"); !printed) return printed.error();
  if (const Status printed = print("the configuration is right\n"); !printed)
    return printed.error();
  return kSuccess;
}

Result<int> run(const Options& options) {
  set_log_level(level_of(options.log_level));
  const agent::Options chosen{options.config.chosen_file(), options.config.sets};
  if (options.check) return check(chosen);
  const Status done = options.uninstall ? agent::uninstall(chosen) : agent::run(chosen);
  if (!done) return done.error();
  return kSuccess;
}

}  // namespace

void add_agent(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("agent", "Record this host's traffic until told to stop");
  const auto options = std::make_shared<Options>();
  add_config_options(*command, options->config);
  add_choice(*command, "--log-level", options->log_level, {"info", "error", "warning", "debug"},
             "Least severe kind of line that is logged");
  auto* uninstall = command->add_flag(
      "--uninstall", options->uninstall,
      "Detach and unpin all that an agent left in the kernel, and end; the ring stays");
  command
      ->add_flag("--check", options->check,
                 "Say whether the configuration is right, and what of it is ignored, and end")
      ->excludes(uninstall);
  command->callback(
      [&invocation, options] { invocation.action = [options] { return run(*options); }; });
}

}  // namespace caprock::cli
