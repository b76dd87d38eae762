// SPDX-License-Identifier: Apache-2.0
// The command line as a whole: its subcommands, and how they end.
#pragma once

#include <memory>
#include <string>

#include "cli/command.hpp"

namespace caprock::cli {

/// Every subcommand with its options, as parsed and as documented. Parsing sets the invocation's
/// action.
std::unique_ptr<::CLI::App> make_app(Invocation& invocation);

/// Parses and acts. Returns the exit status; errors are one line on standard error.
int run(int argc, char** argv);

}  // namespace caprock::cli
