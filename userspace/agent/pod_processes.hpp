// SPDX-License-Identifier: Apache-2.0
// Which processes belong to which pods.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

namespace caprock::agent {

/// By the processes' cgroups, which name their pods. Sees pods only where it sees the host's
/// processes (hostPID). Control-plane thread.
class PodProcesses {
 public:
  /// A process of each of the pods (by uid) that has one by now. What was looked at before is not
  /// looked at again.
  std::map<std::string, pid_t> find(const std::set<std::string>& pods);

  /// Looks at everything again the next time: a process may have taken the number of one that has
  /// ended.
  void forget() { known_.clear(); }

 private:
  void look();

  std::map<pid_t, std::string> known_;  // pid → uid of its pod; empty: it is of none
};

}  // namespace caprock::agent
