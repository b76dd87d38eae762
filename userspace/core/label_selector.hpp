// SPDX-License-Identifier: Apache-2.0
// Which objects are meant, by their labels, as kubectl --selector says it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace caprock {

/// "app=web,tier!=db,env in (test,prod),zone notin (a),canary,!legacy": all of them must hold.
/// Source: Kubernetes, "Labels and Selectors". Immutable.
class LabelSelector {
 public:
  /// The refusal names the requirement that is wrong. An empty text selects everything.
  static Result<LabelSelector> parse(std::string_view text);

  bool matches(const std::map<std::string, std::string>& labels) const;

  bool selects_everything() const { return requirements_.empty(); }

 private:
  struct Requirement {
    std::string key;
    bool wanted = true;            // false: !=, notin, !
    bool any_value = false;        // the key alone decides
    std::set<std::string> values;  // one of them
  };
  static Result<Requirement> parse_requirement(std::string_view text);

  std::vector<Requirement> requirements_;
};

}  // namespace caprock
