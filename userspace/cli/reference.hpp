// SPDX-License-Identifier: Apache-2.0
// Documents made from the definitions of the command line: docs/cli.md, the man page, the
// completion for bash.
#pragma once

#include <string>

#include <CLI/App.hpp>

namespace caprock::cli {

std::string markdown_reference(const CLI::App& app);
std::string man_page(const CLI::App& app);
std::string bash_completion(const CLI::App& app);

}  // namespace caprock::cli
