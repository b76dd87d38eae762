// SPDX-License-Identifier: Apache-2.0
// The container, and the pod, that a process is in, from the path of its cgroup.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "abi/os_event.h"

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
  /// `proc`: where proc(5) is.
  explicit Containers(std::string proc = "/proc") : proc_(std::move(proc)) {}

  /// Of a process, by where it is now; by where it was seen before where it is gone, or another one
  /// has its number; nothing where it was not, or is in another cgroup than `task` says.
  ContainerIdentity of(const os_task& task);

  /// Of a process of which nothing else is known.
  ContainerIdentity of(std::uint32_t pid) const;

 private:
  using ProcessKey = std::pair<std::uint32_t, std::uint64_t>;  // pid, start

  ContainerIdentity of_process(const ProcessKey& process, const ContainerIdentity* now);
  std::string folder_of(std::uint32_t pid) const;

  std::string proc_;
  std::map<std::uint64_t, ContainerIdentity> known_;
  std::map<ProcessKey, ContainerIdentity> processes_;  // those in one
};

}  // namespace caprock::insight
