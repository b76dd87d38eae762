// SPDX-License-Identifier: Apache-2.0
// Independent readers of capture files: tshark, tcpdump, capinfos.
#pragma once

#include <stdio.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace caprock::test {

inline bool is_installed(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

/// What the shell command prints, and its exit status if it fails.
inline std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string text;
  std::array<char, 4096> chunk{};
  for (std::size_t got = 0; (got = ::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    text.append(chunk.data(), got);
  }
  const int status = ::pclose(pipe);
  return status == 0 ? text : text + "exit status " + std::to_string(status);
}

}  // namespace caprock::test
