// SPDX-License-Identifier: Apache-2.0
// Which processes belong to which pods.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "agent/cluster.hpp"
#include "agent/search_pauses.hpp"

namespace caprock::agent {

/// By the processes' cgroups, which name their pods. Sees pods only where it sees the host's
/// processes (hostPID). Control-plane thread.
class PodProcesses {
 public:
  /// The processes of those of `pods`, by uid, as far as they have some by now. What was looked at
  /// a moment ago is not looked at again, and of what was not found for long only now and then.
  std::multimap<std::string, pid_t> find(const std::set<std::string>& uids, const PodMap& pods);

  /// Something new is there that may be of any pod: each is looked for at once.
  void expect_news() { pauses_.end(); }

 private:
  void look();

  std::map<pid_t, std::string> known_;  // pid → uid of its pod; empty: it is of none
  std::int64_t known_since_ns_ = 0;     // monotonic time; a number may be another process's later
  SearchPauses pauses_;
};

}  // namespace caprock::agent
