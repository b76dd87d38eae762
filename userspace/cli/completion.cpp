// SPDX-License-Identifier: Apache-2.0
// caprock completion
#include "cli/application.hpp"
#include "cli/command.hpp"
#include "cli/reference.hpp"

namespace caprock::cli {

void add_completion(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("completion", "Print the completion script of a shell");
  const auto shell = std::make_shared<std::string>();  // as long as the command: it is parsed into
  command->add_option("SHELL", *shell, "bash")
      ->required()
      ->check(CLI::IsMember({"bash"}))
      ->type_name("");
  command->callback([&app, &invocation, shell] {
    invocation.action = [&app]() -> Result<int> {
      const Status printed = print(bash_completion(app));
      if (!printed) return printed.error();
      return kSuccess;
    };
  });
}

}  // namespace caprock::cli
