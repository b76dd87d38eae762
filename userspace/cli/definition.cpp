// SPDX-License-Identifier: Apache-2.0
#include "cli/definition.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace caprock::cli {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0, end = 0; end != text.npos; at = end + 1) {
    end = text.find(separator, at);
    parts.push_back(text.substr(at, end == text.npos ? end : end - at));
  }
  return parts;
}

OptionDefinition definition_of(const CLI::Option& option) {
  OptionDefinition definition;
  definition.positional = option.get_positional();
  definition.names = split(option.get_name(definition.positional, true), ',');
  if (option.get_items_expected_max() > 0 && !definition.positional)
    definition.value = option.get_type_name();
  if (definition.value.find('|') != std::string::npos)
    definition.choices = split(definition.value, '|');
  definition.description = option.get_description();
  definition.default_value = option.get_default_str();
  definition.environment = option.get_envname();
  return definition;
}

CommandDefinition definition_of(const CLI::App& command, const std::string& name) {
  CommandDefinition definition{name, command.get_description(), {}};
  for (const CLI::Option* option : command.get_options())
    definition.options.push_back(definition_of(*option));
  return definition;
}

}  // namespace

std::string CommandDefinition::usage() const {
  std::string text = name.empty() ? "caprock [OPTIONS] COMMAND" : "caprock " + name + " [OPTIONS]";
  for (const auto& option : options)
    if (option.positional) text += " " + option.names.front();
  return text;
}

std::vector<CommandDefinition> definitions(const CLI::App& app) {
  std::vector<CommandDefinition> all{definition_of(app, "")};
  for (const CLI::App* command : app.get_subcommands(
           [](const CLI::App* candidate) { return !candidate->get_group().empty(); }))
    all.push_back(definition_of(*command, command->get_name()));
  return all;
}

}  // namespace caprock::cli
