// SPDX-License-Identifier: Apache-2.0
// The container, and the pod, that a process is in, from the path of its cgroup.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace caprock::insight {

/// Empty: in none, or not known.
struct ContainerIdentity {
  std::string container;  // id: 64 hexadecimal digits
  std::string pod_uid;    // as the kubelet names the cgroup: of a static pod it is not the API's

  bool operator==(const ContainerIdentity&) const = default;
};

/// As containerd, CRI-O, Docker and Podman name a container's cgroup ("cri-containerd-<id>.scope",
/// "docker/<id>"), and the kubelet a pod's, by its drivers systemd
/// ("kubepods-burstable-pod<uid with _>.slice") and cgroupfs ("kubepods/burstable/pod<uid>"). Of
/// containers in one another it is the innermost, or the one that the innermost pod has.
ContainerIdentity container_in(std::string_view cgroup_path);

/// Remembers cgroups of version 2, so that a process that is gone has its container as long as
/// another one of it was seen; where there are others, processes. One thread.
class Containers {
 public:
  /// Of a process that was in this cgroup (its inode), by where it is now; by where it was seen
  /// before where it is gone; nothing where it was not, or is somewhere else by now.
  ContainerIdentity of(std::uint64_t cgroup, std::uint32_t pid);

  /// The process has ended: its number may be another one's.
  void forget(std::uint32_t pid) { processes_.erase(pid); }

  /// Of a process of which the cgroup is not known.
  static ContainerIdentity of(std::uint32_t pid);

 private:
  ContainerIdentity of_process(std::uint32_t pid, bool found, const ContainerIdentity& container);

  std::map<std::uint64_t, ContainerIdentity> known_;
  std::map<std::uint32_t, ContainerIdentity> processes_;  // those in one, by pid
};

}  // namespace caprock::insight
