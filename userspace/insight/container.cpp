// SPDX-License-Identifier: Apache-2.0
#include "insight/container.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <fstream>

namespace caprock::insight {
namespace {

constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kMostKnown = 4096;

bool is_digit(char letter) {
  return std::isxdigit(static_cast<unsigned char>(letter)) != 0;
}

/// Where a process is: cgroups(7), /proc/[pid]/cgroup.
struct Place {
  std::string container;
  std::string path;       // in the hierarchy of version 2
  bool version2 = false;  // it alone has controllers, and the path can be looked at
};

Place place_of(std::uint32_t pid) {
  constexpr std::string_view kVersion2 = "0::";
  Place place;
  bool version1 = false;
  std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
  for (std::string line; std::getline(file, line);) {
    if (place.container.empty()) place.container = container_in(line);
    if (line.starts_with(kVersion2))
      place.path = line.substr(kVersion2.size());
    else
      version1 = true;
  }
  // Outside of our own cgroup namespace its inode cannot be asked for.
  place.version2 = !version1 && !place.path.empty() && !place.path.starts_with("/..");
  return place;
}

/// 0: it is gone.
std::uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(("/sys/fs/cgroup" + path).c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

std::string_view container_in(std::string_view cgroup_path) {
  for (std::size_t at = 0; at < cgroup_path.size();) {
    const auto* begin = cgroup_path.data() + at;
    const auto* end = std::find_if_not(begin, cgroup_path.data() + cgroup_path.size(), is_digit);
    const auto digits = static_cast<std::size_t>(end - begin);
    if (digits == kIdDigits) return cgroup_path.substr(at, digits);
    at += digits + 1;
  }
  return {};
}

std::string Containers::of(std::uint64_t cgroup, std::uint32_t pid) {
  if (const auto found = known_.find(cgroup); found != known_.end()) return found->second;
  Place place = place_of(pid);
  if (!place.version2) return place.container;
  if (inode_of(place.path) != cgroup) return {};
  if (known_.size() == kMostKnown) known_.clear();
  known_.emplace(cgroup, place.container);
  return place.container;
}

std::string Containers::of(std::uint32_t pid) {
  return place_of(pid).container;
}

}  // namespace caprock::insight
