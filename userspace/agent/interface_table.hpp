// SPDX-License-Identifier: Apache-2.0
// The dense, stable interface ids of the record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/interface_list.hpp"

namespace caprock::agent {

/// Gives an id to each (name, description) that is being recorded. An id keeps its meaning while it
/// is held and afterwards, so that blocks on their way stay right, until it is vacated: then its
/// record is blank, and it can be given away again. Control-plane thread.
class InterfaceTable {
 public:
  static constexpr std::int64_t kQuarantineNs = 60'000'000'000;

  /// `known`: the ids that an agent before gave. They count as released at `now_ns`, blank ones as
  /// vacant.
  explicit InterfaceTable(InterfaceList known = {}, std::int64_t now_ns = 0);

  /// The id for a new interface: a released one with the same record, one that was never given, or
  /// a vacant one. Nothing when there is none: vacate().
  std::optional<std::uint32_t> acquire(const InterfaceRecord& record);

  /// Vacates the ids that were released kQuarantineNs ago or longer, and returns them. All at once:
  /// a name that goes costs every lane a segment, names that come cost none.
  std::vector<std::uint32_t> vacate(std::int64_t now_ns);

  void release(std::uint32_t id, std::int64_t now_ns);

  /// All ids ever given, as the file's IDBs shall say them.
  SharedInterfaceList list() const { return std::make_shared<const InterfaceList>(records_); }

 private:
  std::optional<std::uint32_t> released_with(const InterfaceRecord& record) const;
  std::optional<std::uint32_t> vacant() const;

  InterfaceList records_;
  std::map<std::uint32_t, std::int64_t> released_;  // id → monotonic time of release
};

}  // namespace caprock::agent
