// SPDX-License-Identifier: Apache-2.0
// Which pod a container or a pod's uid is of: from who follows the cluster to who sees processes.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caprock {

struct PodIdentity {
  std::string uid;
  std::string namespace_name;
  std::string name;

  bool operator==(const PodIdentity&) const = default;
};

/// Any thread, each call for itself.
class PodDirectory {
 public:
  /// So many that are gone are still known: the last of their processes is told of later.
  static constexpr std::size_t kMostGone = 1000;

  /// The pod has these containers (ids of 64 hexadecimal digits) now; earlier ones stay its own.
  /// `cgroup_uid` is the uid that its cgroup names.
  void set(const PodIdentity& pod, const std::vector<std::string>& containers,
           const std::string& cgroup_uid);

  /// The pod is gone.
  void remove(const std::string& uid);

  /// By the container, else by the uid, as a cgroup's path has them; either may be empty.
  std::optional<PodIdentity> find(std::string_view container, std::string_view uid) const;

 private:
  struct Known {
    PodIdentity pod;
    std::string cgroup_uid;
    std::vector<std::string> containers;
    bool gone = false;
  };
  using Pods = std::map<std::string, Known, std::less<>>;

  void forget(Pods::iterator pod);

  mutable std::mutex mutex_;
  Pods pods_;                                                   // by uid
  std::map<std::string, std::string, std::less<>> containers_;  // uid by id
  std::map<std::string, std::string, std::less<>> cgroups_;     // uid by the cgroup's uid
  std::deque<std::string> gone_;                                // uids, the longest gone in front
};

}  // namespace caprock
