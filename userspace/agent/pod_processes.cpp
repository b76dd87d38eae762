// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_processes.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "insight/container.hpp"

namespace caprock::agent {
namespace {

/// 0: the entry is no process.
pid_t pid_of(const std::filesystem::path& entry) {
  const std::string name = entry.filename();
  pid_t pid = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return failed == std::errc() && end == name.data() + name.size() ? pid : 0;
}

/// Empty: it is of none, or has gone.
std::string pod_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
  for (std::string line; std::getline(file, line);)
    if (auto uid = insight::container_in(line).pod_uid; !uid.empty()) return uid;
  return {};
}

}  // namespace

void PodProcesses::look() {
  std::map<pid_t, std::string> now;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const pid_t pid = pid_of(entry->path());
    if (pid == 0) continue;
    const auto known = known_.find(pid);
    now.emplace(pid, known != known_.end() ? std::move(known->second) : pod_of(pid));
  }
  known_ = std::move(now);
}

std::map<std::string, pid_t> PodProcesses::find(const std::set<std::string>& pods) {
  look();
  std::map<std::string, pid_t> found;
  for (const auto& [pid, uid] : known_)
    if (pods.contains(uid)) found.emplace(uid, pid);
  return found;
}

}  // namespace caprock::agent
