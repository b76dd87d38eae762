// SPDX-License-Identifier: Apache-2.0
// caprock targets
#include "api/targets.hpp"

#include "cli/command.hpp"

namespace caprock::cli {
namespace {

Result<int> report(const Invocation& invocation, const std::string& output) {
  const auto client = invocation.client();
  if (!client) return client.error();
  const auto document = client->get(http::Target{"/api/v1/targets", {}});
  if (!document) return document.error();
  std::string text = *document;
  if (output != "json") {
    const auto targets = api::parse_targets(*document);
    if (!targets) return targets.error();
    text = api::targets_table(*targets);
  }
  if (auto printed = print(text); !printed) return printed.error();
  return kSuccess;
}

}  // namespace

void add_targets(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "targets", "Show which pods of this node are recorded, and why each other one is not");
  const auto output = std::make_shared<std::string>();
  add_choice(*command, "-o,--output", *output, {"table", "json"}, "Form of the answer");
  command->callback([&invocation, output] {
    invocation.action = [&invocation, output] { return report(invocation, *output); };
  });
}

}  // namespace caprock::cli
