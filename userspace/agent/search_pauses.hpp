// SPDX-License-Identifier: Apache-2.0
// When to look again for what was not found.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kubernetes/objects.hpp"

namespace caprock::agent {

/// A pod of which no process is to be seen is looked for all the time at first, then the seldomer
/// the longer that has lasted, each minute at the least; all the time again as soon as something is
/// different of it. Times are monotonic, in ns. One thread.
class SearchPauses {
 public:
  bool is_due(const kubernetes::Pod& pod, std::int64_t now_ns) const;
  void missed(const kubernetes::Pod& pod, std::int64_t now_ns);
  void found(const std::string& uid) { searches_.erase(uid); }

  /// Something is different of all.
  void end() { searches_.clear(); }

  /// Forgets those that nobody looks for any more.
  void forget_old(std::int64_t now_ns);

 private:
  struct Search {
    kubernetes::Pod as_of;
    std::int64_t since_ns = 0;
    std::int64_t next_ns = 0;
  };

  std::map<std::string, Search> searches_;  // by the pod's uid
};

}  // namespace caprock::agent
