// SPDX-License-Identifier: Apache-2.0
// --config and --set, as every subcommand that needs the configuration takes them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace caprock::cli {

struct ConfigOptions {
  std::filesystem::path file;  // empty: not given
  std::vector<std::string> sets;

  /// The file given, else the default one if there is one, else none.
  std::filesystem::path chosen_file() const;
};

void add_config_options(CLI::App& command, ConfigOptions& options);

}  // namespace caprock::cli
