// SPDX-License-Identifier: Apache-2.0
#include "cli/config_options.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace caprock::cli {
namespace {

constexpr const char* kDefaultFile = "/etc/caprock/caprock.yaml";

}  // namespace

std::filesystem::path ConfigOptions::chosen_file() const {
  std::error_code unreadable;  // then the file is there, and whoever reads it says what is wrong
  if (!file.empty()) return file;
  const auto status = std::filesystem::status(kDefaultFile, unreadable);
  return status.type() == std::filesystem::file_type::not_found ? std::filesystem::path{}
                                                                : kDefaultFile;
}

void add_config_options(CLI::App& command, ConfigOptions& options) {
  command
      .add_option("-c,--config", options.file,
                  std::string("Configuration; without it ") + kDefaultFile + " if there is one")
      ->type_name("FILE");
  command
      .add_option("--set", options.sets, "One key of the configuration, over the file; repeat it")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace caprock::cli
