// SPDX-License-Identifier: Apache-2.0
// The dense, stable interface ids of the record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/interface_list.hpp"

namespace caprock::agent {

/// Gives an id to each (name, description) that is being recorded. An id keeps its meaning while it
/// is held and afterwards, so that blocks on their way stay right; only when all ids are used up is
/// the one released longest ago given away again, and not before kQuarantineNs have passed.
/// Control-plane thread.
class InterfaceTable {
 public:
  static constexpr std::int64_t kQuarantineNs = 60'000'000'000;

  /// `known`: the ids that an agent before gave. They count as released at `now_ns`.
  explicit InterfaceTable(InterfaceList known = {}, std::int64_t now_ns = 0);

  /// The id for a new interface; nothing when all ids are held or in quarantine. A released one
  /// with the same record comes first.
  std::optional<std::uint32_t> acquire(const InterfaceRecord& record, std::int64_t now_ns);

  void release(std::uint32_t id, std::int64_t now_ns);

  /// All ids ever given, as the file's IDBs shall say them.
  SharedInterfaceList list() const { return std::make_shared<const InterfaceList>(records_); }

  bool held(std::uint32_t id) const { return id < records_.size() && !released_.contains(id); }

 private:
  std::optional<std::uint32_t> released_with(const InterfaceRecord& record) const;
  std::optional<std::uint32_t> released_longest_ago(std::int64_t now_ns) const;

  InterfaceList records_;
  std::map<std::uint32_t, std::int64_t> released_;  // id → monotonic time of release
};

}  // namespace caprock::agent
