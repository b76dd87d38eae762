// SPDX-License-Identifier: Apache-2.0
// The container that a process is in, from the path of its cgroup.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace caprock::insight {

/// 64 hexadecimal digits, as containerd, CRI-O, Docker and Podman name a container's cgroup
/// ("cri-containerd-<id>.scope", "docker/<id>"); empty: the path is of none.
std::string_view container_in(std::string_view cgroup_path);

/// Remembers cgroups, so that a process that is gone has its container as long as another one of it
/// was seen. One thread.
class Containers {
 public:
  /// Of the process, in this cgroup; empty: none, or not known.
  const std::string& of(std::uint64_t cgroup, std::uint32_t pid);

 private:
  std::map<std::uint64_t, std::string> known_;
};

}  // namespace caprock::insight
