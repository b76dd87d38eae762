// SPDX-License-Identifier: Apache-2.0
#include "core/pod_directory.hpp"

#include <algorithm>

namespace caprock {
namespace {

/// Of a pod whose container starts again and again the last ones are known.
constexpr std::size_t kMostContainers = 64;

}  // namespace

void PodDirectory::set(const PodIdentity& pod, const std::vector<std::string>& containers,
                       const std::string& cgroup_uid) {
  const std::lock_guard lock(mutex_);
  Known& known = pods_[pod.uid];
  known.pod = pod;
  known.cgroup_uid = cgroup_uid;
  cgroups_[cgroup_uid] = pod.uid;
  if (known.gone) std::erase(gone_, pod.uid);
  known.gone = false;
  for (const std::string& id : containers) {
    if (id.empty() || std::ranges::find(known.containers, id) != known.containers.end()) continue;
    containers_[id] = pod.uid;
    known.containers.push_back(id);
  }
  while (known.containers.size() > std::max(kMostContainers, containers.size())) {
    containers_.erase(known.containers.front());
    known.containers.erase(known.containers.begin());
  }
}

void PodDirectory::remove(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto pod = pods_.find(uid);
  if (pod == pods_.end() || pod->second.gone) return;
  pod->second.gone = true;
  gone_.push_back(uid);
  if (gone_.size() <= kMostGone) return;
  forget(pods_.find(gone_.front()));
  gone_.pop_front();
}

void PodDirectory::forget(Pods::iterator pod) {
  const auto drop = [&](auto& uids, const std::string& name) {
    const auto known = uids.find(name);
    if (known != uids.end() && known->second == pod->first) uids.erase(known);
  };
  for (const std::string& id : pod->second.containers)
    drop(containers_, id);
  drop(cgroups_, pod->second.cgroup_uid);
  pods_.erase(pod);
}

std::optional<PodIdentity> PodDirectory::find(std::string_view container,
                                              std::string_view uid) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = containers_.find(container); known != containers_.end())
    uid = known->second;
  else if (const auto cgroup = cgroups_.find(uid); cgroup != cgroups_.end())
    uid = cgroup->second;
  const auto pod = pods_.find(uid);
  if (pod == pods_.end()) return std::nullopt;
  return pod->second.pod;
}

}  // namespace caprock
