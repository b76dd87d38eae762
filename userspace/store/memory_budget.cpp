// SPDX-License-Identifier: Apache-2.0
#include "store/memory_budget.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace caprock::store {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// "max", as cgroup v2 has it, is no number.
std::uint64_t read_limit(const std::string& path) {
  std::uint64_t limit = 0;
  return std::ifstream(path) >> limit ? limit : kUnlimited;
}

/// Lines are "number:controllers:path"; v2 has no controllers.
std::uint64_t cgroup_limit() {
  std::ifstream memberships("/proc/self/cgroup");
  std::uint64_t limit = kUnlimited;
  for (std::string line; std::getline(memberships, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t path = line.find(':', colon + 1);
    if (path == std::string::npos) continue;
    const std::string controllers = line.substr(colon + 1, path - colon - 1);
    const std::string group = line.substr(path + 1);
    if (controllers.empty())
      limit = std::min(limit, read_limit("/sys/fs/cgroup" + group + "/memory.max"));
    if (controllers == "memory") {
      limit =
          std::min(limit, read_limit("/sys/fs/cgroup/memory" + group + "/memory.limit_in_bytes"));
    }
  }
  return limit;
}

std::uint64_t machine_memory() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::uint64_t default_page_budget() {
  return std::min(machine_memory(), cgroup_limit()) / 4;
}

}  // namespace caprock::store
