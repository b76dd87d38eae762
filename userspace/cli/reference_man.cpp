// SPDX-License-Identifier: Apache-2.0
// The man page caprock(1), in man(7) macros.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/definition.hpp"
#include "cli/reference.hpp"
#include "config/key.hpp"

namespace caprock::cli {
namespace {

/// Backslashes and hyphens are escaped, and no line begins with a macro's character.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else {
      if (c == '-') out += '\\';
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string option_paragraph(const OptionDefinition& option) {
  std::string text =
      fmt::format(".TP\n\\fB{}\\fR", roff(fmt::format("{}", fmt::join(option.names, ", "))));
  if (!option.value.empty()) text += fmt::format(" \\fI{}\\fR", roff(option.value));
  text += fmt::format("\n{}.", roff(option.description));
  if (!option.default_value.empty())
    text += fmt::format(" Default: {}.", roff(option.default_value));
  if (!option.environment.empty())
    text += fmt::format(" Also from the environment, {}.", roff(option.environment));
  return text + "\n";
}

std::string key_paragraph(const config::Key& key) {
  const auto replaced = key.newer.empty() ? "" : fmt::format(" Older spelling of {}.", key.newer);
  return fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(key.path),
                     roff(fmt::format("{} ({}). Default: {}.{}", key.meaning, key.kind,
                                      key.print(config::Config{}), replaced)));
}

}  // namespace

std::string man_page(const CLI::App& app) {
  const auto commands = definitions(app);
  std::string text =
      fmt::format(".TH CAPROCK 1 \"\" \"caprock {}\"\n.SH NAME\ncaprock \\- {}\n.SH SYNOPSIS\n",
                  CAPROCK_VERSION, roff(commands.front().description));
  for (const auto& command : commands)
    text += fmt::format(".B {}\n.br\n", roff(command.usage()));
  text += ".SH OPTIONS\n";
  for (const auto& option : commands.front().options)
    text += option_paragraph(option);
  text += ".SH COMMANDS\n";
  for (auto command = commands.begin() + 1; command != commands.end(); ++command) {
    text += fmt::format(".SS {}\n{}.\n", roff(command->name), roff(command->description));
    for (const auto& option : command->options)
      text += option_paragraph(option);
  }
  text +=
      ".SH CONFIGURATION\nA YAML file, of which every key has a default; \\-\\-set goes over it.\n";
  for (const auto& key : config::keys())
    text += key_paragraph(key);
  return text +
         ".SH EXIT STATUS\n0: done; 1: it could not be done; 2: it was not asked for properly.\n"
         ".SH FILES\n/etc/caprock/caprock.yaml, /var/lib/caprock/ring.pcapng, "
         "/run/caprock/agent.sock\n"
         ".SH SEE ALSO\ntshark(1), tcpdump(8), pcap\\-filter(7)\n";
}

}  // namespace caprock::cli
