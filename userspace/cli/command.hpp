// SPDX-License-Identifier: Apache-2.0
// What subcommands share: the global options, the exit statuses, and how each puts itself into the
// application.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>

#include "core/result.hpp"
#include "http/client.hpp"

namespace caprock::cli {

enum ExitStatus : int {
  kSuccess = 0,
  kFailure = 1,  // what was asked for could not be done, or what was examined is not well
  kUsage = 2,    // it was not asked for properly
};

/// Error: printed as one line, exit status kFailure.
using Action = std::function<Result<int>()>;

struct Invocation {
  std::string server = "unix:/run/caprock/agent.sock";
  Action action;

  /// A client of the agent that --server or CAPROCK_SERVER names.
  Result<http::Client> client() const;
};

/// Each adds one subcommand, whose callback sets the action.
void add_agent(CLI::App& app, Invocation& invocation);
void add_status(CLI::App& app, Invocation& invocation);
void add_export(CLI::App& app, Invocation& invocation);
void add_tail(CLI::App& app, Invocation& invocation);
void add_top(CLI::App& app, Invocation& invocation);
void add_targets(CLI::App& app, Invocation& invocation);
void add_capture(CLI::App& app, Invocation& invocation);
void add_verify(CLI::App& app, Invocation& invocation);
void add_doctor(CLI::App& app, Invocation& invocation);
void add_completion(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);
void add_docs(CLI::App& app, Invocation& invocation);

/// An option that takes one of `choices`; the first is the default.
CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& description);

/// A check of an option: what `parse` gives no result for is a usage error.
template <class Parse>
CLI::Validator parsed_by(Parse parse) {
  return CLI::Validator(
      [parse](const std::string& text) {
        const auto parsed = parse(text);
        return parsed ? std::string() : parsed.error().message();
      },
      "");
}

/// Puts the text on standard output.
Status print(std::string_view text);

}  // namespace caprock::cli
