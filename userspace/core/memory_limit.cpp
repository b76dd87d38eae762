// SPDX-License-Identifier: Apache-2.0
#include "core/memory_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace caprock {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// "max", as cgroup v2 has it, is no number.
std::uint64_t read_limit(const std::filesystem::path& file) {
  std::uint64_t limit = 0;
  return std::ifstream(file) >> limit ? limit : kUnlimited;
}

/// The least limit of the group and of all it is in.
std::uint64_t least_limit(const std::filesystem::path& mount, std::filesystem::path group,
                          const char* file) {
  std::uint64_t least = read_limit(mount / file);
  for (; group.has_relative_path(); group = group.parent_path()) {
    least = std::min(least, read_limit(mount / group.relative_path() / file));
  }
  return least;
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
      limit = std::min(limit, least_limit("/sys/fs/cgroup", group, "memory.max"));
    if (controllers == "memory") {
      limit = std::min(limit, least_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return limit;
}

std::uint64_t machine_memory() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::uint64_t memory_limit_bytes() {
  return std::min(machine_memory(), cgroup_limit());
}

}  // namespace caprock
