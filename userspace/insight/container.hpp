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

/// Remembers cgroups of version 2, so that a process that is gone has its container as long as
/// another one of it was seen. One thread.
class Containers {
 public:
  /// Of a process that was in this cgroup (its inode), by where it is now; empty: none, or not
  /// known, as it is gone or somewhere else by now.
  std::string of(std::uint64_t cgroup, std::uint32_t pid);

  /// Of a process of which the cgroup is not known.
  static std::string of(std::uint32_t pid);

 private:
  std::map<std::uint64_t, std::string> known_;
};

}  // namespace caprock::insight
