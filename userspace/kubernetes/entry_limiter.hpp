// SPDX-License-Identifier: Apache-2.0
// How many entries of the Kubernetes layer go into the record.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "kubernetes/entry_types.hpp"

namespace caprock::kubernetes {

struct EntryCounts {
  std::uint64_t recorded = 0;
  std::uint64_t suppressed = 0;  // more came than the record takes
};

/// Lets so many of a type pass in each second of the clock; an inventory always, which is bounded
/// by what there is. Nothing passes while there is no room. One thread.
class EntryLimiter {
 public:
  static constexpr std::uint32_t kMostPerSecond = 500;

  void set_room(bool room) { room_ = room; }

  /// Whether the entry goes into the record; counts it.
  bool admit(EntryType type, std::int64_t wall_ns);

  /// What was suppressed and has not been told, once the second in which it was is over.
  std::vector<std::pair<EntryType, std::uint64_t>> take_untold(std::int64_t wall_ns);

  const std::array<EntryCounts, kEntryTypes>& counts() const { return counts_; }

 private:
  void enter_second(std::int64_t wall_ns);

  bool room_ = true;
  std::int64_t second_ = 0;  // since the epoch
  std::array<std::uint32_t, kEntryTypes> in_second_{};
  std::array<EntryCounts, kEntryTypes> counts_{};
  std::array<std::uint64_t, kEntryTypes> told_{};  // of the suppressed ones
  bool untold_ = false;
};

}  // namespace caprock::kubernetes
