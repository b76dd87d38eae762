// SPDX-License-Identifier: Apache-2.0
#include "insight/container.hpp"

#include <fmt/format.h>

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

/// In cgroup v1 all controllers of a container have its id.
const std::string& Containers::of(std::uint64_t cgroup, std::uint32_t pid) {
  if (const auto found = known_.find(cgroup); found != known_.end()) return found->second;
  static const std::string kUnknown;
  std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
  if (!file) return kUnknown;
  std::string id;
  for (std::string line; id.empty() && std::getline(file, line);)
    id = container_in(line);
  if (known_.size() == kMostKnown) known_.clear();
  return known_.emplace(cgroup, std::move(id)).first->second;
}

}  // namespace caprock::insight
