// SPDX-License-Identifier: Apache-2.0
// Runs the real binary and says how it ended.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace caprock::test {

inline std::string file_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

struct Ended {
  int status = -1;
  std::string out;
  std::string err;
};

/// `arguments` as a shell takes them. Nothing of the caller's environment names a server.
inline Ended run_caprock(const std::string& arguments) {
  const auto files = std::filesystem::current_path() / ("cli-test-" + std::to_string(::getpid()));
  const std::string out = files.string() + ".out";
  const std::string err = files.string() + ".err";
  const std::string command = "unset CAPROCK_SERVER; " CAPROCK_BINARY " " + arguments + " >'" +
                              out + "' 2>'" + err + "' </dev/null";
  const int status = std::system(command.c_str());  // NOLINT(cert-env33-c): a test's own command
  Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : -1, file_text(out), file_text(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return ended;
}

}  // namespace caprock::test
