// SPDX-License-Identifier: Apache-2.0
// The completion for bash: subcommands, options, choices; files everywhere else.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/definition.hpp"
#include "cli/reference.hpp"

namespace caprock::cli {
namespace {

std::string option_names(const CommandDefinition& command) {
  std::string names;
  for (const auto& option : command.options)
    if (!option.positional)
      names += fmt::format("{}{}", names.empty() ? "" : " ", fmt::join(option.names, " "));
  return names;
}

/// "export:--format) choices=...": what may follow an option that takes one of several values.
std::string choice_cases(const CommandDefinition& command) {
  std::string cases;
  for (const auto& option : command.options)
    if (!option.choices.empty())
      for (const auto& name : option.names)
        cases += fmt::format("    {}:{}) words=\"{}\" ;;\n", command.name, name,
                             fmt::join(option.choices, " "));
  return cases;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const auto commands = definitions(app);
  std::string names;
  std::string options;
  std::string choices;
  for (const auto& command : commands) {
    if (!command.name.empty()) names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
    options += fmt::format("    {}) words=\"{}\" ;;\n", command.name.empty() ? "''" : command.name,
                           option_names(command));
    choices += choice_cases(command);
  }
  return fmt::format(R"(# bash completion for caprock, made by `caprock completion bash`.
_caprock() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' words='' word commands="{}"
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ " $commands " == *" $word "* ]] && {{ command=$word; break; }}
  done
  case $command:$previous in
{}    *:completion) words="bash" ;;
    *) case $command in
{}    esac
    [[ -z $command && $current != -* ]] && words=$commands
    [[ -n $command && $current != -* ]] && words='' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _caprock caprock
)",
                     names, choices, options);
}

}  // namespace caprock::cli
