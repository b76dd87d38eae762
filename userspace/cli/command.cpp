// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include <CLI/Validators.hpp>

namespace caprock::cli {

Result<http::Client> Invocation::client() const {
  auto address = http::ServerAddress::parse(server);
  if (!address) return address.error();
  return http::Client(*std::move(address));
}

CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& description) {
  value = choices.front();
  auto member = CLI::IsMember(choices);
  member.description("");
  return command.add_option(name, value, description)
      ->check(member)
      ->capture_default_str()
      ->type_name(fmt::format("{}", fmt::join(choices, "|")));
}

Status print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return Error::from_errno("standard output");
  return {};
}

}  // namespace caprock::cli
