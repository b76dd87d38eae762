// SPDX-License-Identifier: Apache-2.0
// The command line's definitions as plain data, for those who write about it.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace caprock::cli {

struct OptionDefinition {
  std::vector<std::string> names;  // "-o", "--output"; of a positional its name
  bool positional = false;
  std::string value;                 // "FILE", "table|json"; empty: a flag
  std::vector<std::string> choices;  // of value, where it is one of several
  std::string description;
  std::string default_value;  // empty: none
  std::string environment;    // variable that gives it too; empty: none
};

struct CommandDefinition {
  std::string name;  // empty: the application
  std::string description;
  std::vector<OptionDefinition> options;

  /// "caprock export [OPTIONS] FILE"
  std::string usage() const;
};

/// The global options first, then every subcommand that the help shows.
std::vector<CommandDefinition> definitions(const CLI::App& app);

}  // namespace caprock::cli
