// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_processes.hpp"

#include <utility>

#include "core/clock.hpp"
#include "core/processes.hpp"
#include "insight/container.hpp"

namespace caprock::agent {
namespace {

/// A process may enter its group, or its number be another one's, before this has passed.
constexpr std::int64_t kMemoryNs = 2'000'000'000;

/// Empty: it is of none, or has gone.
std::string pod_of(pid_t pid) {
  return insight::Containers().of(static_cast<std::uint32_t>(pid)).pod_uid;
}

}  // namespace

void PodProcesses::look() {
  if (monotonic_ns() - known_since_ns_ > kMemoryNs) {
    known_.clear();
    known_since_ns_ = monotonic_ns();
  }
  std::map<pid_t, std::string> now;
  for (const pid_t pid : all_processes()) {
    const auto known = known_.find(pid);
    now.emplace(pid, known != known_.end() ? std::move(known->second) : pod_of(pid));
  }
  known_ = std::move(now);
}

std::multimap<std::string, pid_t> PodProcesses::find(const std::set<std::string>& uids,
                                                     const PodMap& pods) {
  const std::int64_t now = monotonic_ns();
  std::map<std::string, std::string> uid_of;  // by what the cgroup names
  for (const auto& uid : uids) {
    const kubernetes::Pod& pod = pods.at(uid);
    if (pauses_.is_due(pod, now)) uid_of.emplace(kubernetes::cgroup_uid(pod), uid);
  }
  if (uid_of.empty()) return {};
  look();
  std::multimap<std::string, pid_t> found;
  for (const auto& [pid, cgroup] : known_)
    if (const auto known = uid_of.find(cgroup); known != uid_of.end())
      found.emplace(known->second, pid);
  for (const auto& [cgroup, uid] : uid_of) {
    if (found.contains(uid))
      pauses_.found(uid);
    else
      pauses_.missed(pods.at(uid), now);
  }
  pauses_.forget_old(now);
  return found;
}

}  // namespace caprock::agent
