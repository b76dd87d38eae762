// SPDX-License-Identifier: Apache-2.0
#include "core/processes.hpp"

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace caprock {
namespace {

/// 0: the entry is no process.
pid_t pid_of(const std::filesystem::path& entry) {
  const std::string name = entry.filename();
  pid_t pid = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return failed == std::errc() && end == name.data() + name.size() ? pid : 0;
}

}  // namespace

std::vector<pid_t> all_processes() {
  std::vector<pid_t> processes;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (const pid_t pid = pid_of(entry->path()); pid != 0) processes.push_back(pid);
  }
  return processes;
}

}  // namespace caprock
