// SPDX-License-Identifier: Apache-2.0
// caprock docs: what the build and the tests generate documents with. Not shown in the help.
#include "cli/command.hpp"
#include "cli/reference.hpp"
#include "config/reference.hpp"

namespace caprock::cli {
namespace {

std::string document(const CLI::App& app, const std::string& name) {
  if (name == "cli") return markdown_reference(app);
  if (name == "man") return man_page(app);
  if (name == "configuration") return config::reference();
  if (name == "chart-keys") return config::chart_keys();
  return config::default_file();
}

}  // namespace

void add_docs(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("docs", "Print a generated document")->group("");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "Which")
      ->required()
      ->check(CLI::IsMember({"cli", "man", "configuration", "config-file", "chart-keys"}));
  command->callback([&app, &invocation, name] {
    invocation.action = [&app, name]() -> Result<int> {
      const Status printed = print(document(app, *name));
      if (!printed) return printed.error();
      return kSuccess;
    };
  });
}

}  // namespace caprock::cli
