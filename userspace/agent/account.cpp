// SPDX-License-Identifier: Apache-2.0
#include "agent/account.hpp"

namespace caprock::agent {

store::Account account_of(const capture::Counters& counters, const InterfaceList& interfaces) {
  using capture::operator+;
  capture_counters sum{};
  for (std::uint32_t id = 0; id < interfaces.size(); ++id) {
    for (const auto direction : {CAPROCK_INGRESS, CAPROCK_EGRESS})
      sum = sum + counters.of(id, direction);
  }
  return {.seen = sum.seen,
          .not_l4 = sum.not_l4,
          .filtered = sum.filtered,
          .malformed = sum.malformed,
          .unreadable = sum.unreadable,
          .lost = sum.lost,
          .written = sum.written,
          .recorded = {}};
}

}  // namespace caprock::agent
