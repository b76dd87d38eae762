// SPDX-License-Identifier: Apache-2.0
#include "agent/interface_table.hpp"

#include <algorithm>
#include <utility>

#include "abi/limits.h"

namespace caprock::agent {

InterfaceTable::InterfaceTable(InterfaceList known, std::int64_t now_ns)
    : records_(std::move(known)) {
  for (std::uint32_t id = 0; id < records_.size(); ++id)
    release(id, now_ns);
}

std::optional<std::uint32_t> InterfaceTable::acquire(const InterfaceRecord& record,
                                                     std::int64_t now_ns) {
  if (const auto id = released_with(record)) {
    released_.erase(*id);
    return id;
  }
  if (records_.size() < CAPROCK_MAX_INTERFACES) {
    records_.push_back(record);
    return static_cast<std::uint32_t>(records_.size() - 1);
  }
  const auto id = released_longest_ago(now_ns);
  if (id) {
    released_.erase(*id);
    records_[*id] = record;
  }
  return id;
}

void InterfaceTable::release(std::uint32_t id, std::int64_t now_ns) {
  released_.insert_or_assign(id, now_ns);
}

std::optional<std::uint32_t> InterfaceTable::released_with(const InterfaceRecord& record) const {
  for (const auto& [id, time] : released_) {
    if (records_[id] == record) return id;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> InterfaceTable::released_longest_ago(std::int64_t now_ns) const {
  const auto oldest =
      std::min_element(released_.begin(), released_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (oldest == released_.end() || now_ns - oldest->second < kQuarantineNs) return std::nullopt;
  return oldest->first;
}

}  // namespace caprock::agent
