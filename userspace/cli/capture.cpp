// SPDX-License-Identifier: Apache-2.0
// caprock capture
#include <CLI/Error.hpp>
#include <CLI/StringTools.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"

namespace caprock::cli {
namespace {

struct Options {
  std::string regex;
  std::string namespaces;
  std::string excluded_namespaces;
  std::string label_selector;
  std::string raw;
};

/// "a,b"; nothing of an empty text.
nlohmann::json list_of(const std::string& text) {
  auto list = nlohmann::json::array();
  if (!text.empty())
    for (const auto& name : CLI::detail::split(text, ','))
      list.push_back(name);
  return list;
}

/// What is given on the command line, as a JSON merge patch.
nlohmann::json change_of(const CLI::App& command, const Options& options) {
  auto change = nlohmann::json::object();
  const auto given = [&](const char* name) { return command.count(name) != 0; };
  if (given("--regex")) change["regex"] = options.regex;
  if (given("--namespaces")) change["namespaces"] = list_of(options.namespaces);
  if (given("--excluded-namespaces"))
    change["excludedNamespaces"] = list_of(options.excluded_namespaces);
  if (given("--label-selector")) change["labelSelector"] = options.label_selector;
  if (given("--raw")) change["raw"]["enabled"] = options.raw == "on";
  return change;
}

Result<int> show_or_change(const Invocation& invocation, const nlohmann::json& change) {
  const auto client = invocation.client();
  if (!client) return client.error();
  const http::Target target{"/api/v1/capture", {}};
  const auto document = change.empty() ? client->get(target) : client->patch(target, change.dump());
  if (!document) return document.error();
  if (auto printed = print(*document); !printed) return printed.error();
  return kSuccess;
}

}  // namespace

void add_capture(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "capture",
      "Show what the agent is to record, or change it until its configuration is loaded again");
  const auto options = std::make_shared<Options>();
  command->add_option("--regex", options->regex, "Pods, by name (tap.regex)")->type_name("REGEX");
  command->add_option("--namespaces", options->namespaces, "Their namespaces; \"\": all")
      ->type_name("NAME,...");
  command
      ->add_option("--excluded-namespaces", options->excluded_namespaces,
                   "Namespaces left out; \"\": none")
      ->type_name("NAME,...");
  command->add_option("-l,--label-selector", options->label_selector, "Pods, by label; \"\": all")
      ->type_name("SELECTOR");
  add_choice(*command, "--raw", options->raw, {"on", "off"},
             "Record packets (tap.capture.raw.enabled)");
  command->callback([&invocation, command, options] {
    invocation.action = [&invocation, change = change_of(*command, *options)] {
      return show_or_change(invocation, change);
    };
  });
}

}  // namespace caprock::cli
