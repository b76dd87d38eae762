// SPDX-License-Identifier: Apache-2.0
#include "cli/application.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include <CLI/Error.hpp>

namespace caprock::cli {
namespace {

int complain(std::string_view message, int status) {
  fmt::print(stderr, "caprock: {}\n", message);
  return status;
}

/// The first word that is no option and no command, where CLI11 only says that a command is
/// missing.
std::string unknown_command(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError)) return {};
  if (!app.get_subcommands().empty()) return {};
  const auto words = app.remaining();
  const auto word = std::find_if(words.begin(), words.end(),
                                 [](const std::string& text) { return !text.starts_with('-'); });
  return word == words.end() ? std::string() : *word;
}

/// CLI11's message as one line that names the way to help.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (const auto word = unknown_command(app, error); !word.empty())
    return fmt::format("\"{}\" is not a command; caprock --help lists them", word);
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text + " (caprock --help)";
}

}  // namespace

std::unique_ptr<CLI::App> make_app(Invocation& invocation) {
  auto app = std::make_unique<CLI::App>("Flight recorder for network traffic", "caprock");
  app->require_subcommand(1);
  app->set_version_flag("--version", "caprock " CAPROCK_VERSION, "Print the version and exit");
  app->add_option("--server", invocation.server, "Agent to talk to: unix:PATH or http://HOST:PORT")
      ->envname("CAPROCK_SERVER")
      ->check(parsed_by(http::ServerAddress::parse))
      ->capture_default_str()
      ->type_name("SERVER");
  for (const auto add :
       {add_agent, add_status, add_export, add_tail, add_top, add_targets, add_capture, add_verify,
        add_doctor, add_completion, add_version, add_docs})
    add(*app, invocation);
  for (CLI::App* command : app->get_subcommands(nullptr))
    command->fallthrough();
  return app;
}

int run(int argc, char** argv) {
  Invocation invocation;
  const auto app = make_app(invocation);
  try {
    app->parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app->exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return complain(usage_error(*app, error), kUsage);
  }
  const auto status = invocation.action();
  return status ? *status : complain(status.error().message(), kFailure);
}

}  // namespace caprock::cli
