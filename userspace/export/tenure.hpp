// SPDX-License-Identifier: Apache-2.0
// Which process had something, and from when to when.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

namespace caprock::exporting {

/// As the events name it.
struct Process {
  std::uint32_t pid = 0;  // 0: not known
  std::uint32_t tid = 0;
  std::string comm = {};
  std::string pod = {};  // "shop/frontend-7c9"; empty: in none, or not known
};

struct Tenure {
  Process process;
  std::int64_t begin_ns = 0;  // wall time
  std::int64_t end_ns = INT64_MAX;

  bool open() const { return end_ns == INT64_MAX; }
};

using Tenures = std::vector<Tenure>;  // by begin

/// The last one that had begun then, whether it has ended or not; null: there is none.
inline const Tenure* begun_at(const Tenures& tenures, std::int64_t time_ns) {
  const auto after = std::ranges::upper_bound(tenures, time_ns, {}, &Tenure::begin_ns);
  return after == tenures.begin() ? nullptr : &*std::prev(after);
}

/// Drops what begun_at() returns for no time from `from_ns` on, and what had ended by `ended_ns`.
inline void forget(Tenures& tenures, std::int64_t from_ns, std::int64_t ended_ns) {
  if (const Tenure* const first = begun_at(tenures, from_ns))
    tenures.erase(tenures.begin(), tenures.begin() + (first - tenures.data()));
  std::erase_if(tenures, [&](const Tenure& tenure) { return tenure.end_ns <= ended_ns; });
}

}  // namespace caprock::exporting
