// SPDX-License-Identifier: Apache-2.0
// The agent's entrance for the command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace caprock::agent {

struct Options {
  std::filesystem::path config_file;  // empty: the defaults
  std::vector<std::string> sets;      // "key=value", applied over the file, again at each reload
};

/// Records until SIGTERM or SIGINT; then drains the stages, seals the ring, and detaches or leaves
/// the programs at work (agent.onStop). Fails, with nothing left behind, when recording cannot
/// begin.
Status run(const Options& options);

/// Detaches and removes all that an agent with this configuration left in the kernel. Refused while
/// one runs. The ring stays.
Status uninstall(const Options& options);

}  // namespace caprock::agent
