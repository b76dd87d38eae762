// SPDX-License-Identifier: Apache-2.0
// caprock version
#include "cli/command.hpp"

namespace caprock::cli {

void add_version(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("version", "Print the version");
  command->callback([&invocation] {
    invocation.action = []() -> Result<int> {
      const Status printed = print("caprock " CAPROCK_VERSION "\n");
      if (!printed) return printed.error();
      return kSuccess;
    };
  });
}

}  // namespace caprock::cli
