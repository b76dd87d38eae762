// SPDX-License-Identifier: Apache-2.0
#include "agent/interface_table.hpp"

#include <algorithm>
#include <utility>

#include "abi/limits.h"

namespace caprock::agent {

InterfaceTable::InterfaceTable(InterfaceList known, std::int64_t now_ns)
    : records_(std::move(known)) {
  for (std::uint32_t id = 0; id < records_.size(); ++id) {
    if (!records_[id].is_blank()) release(id, now_ns);
  }
}

std::optional<std::uint32_t> InterfaceTable::acquire(const InterfaceRecord& record) {
  if (const auto id = released_with(record)) {
    released_.erase(*id);
    return id;
  }
  if (records_.size() < CAPROCK_MAX_INTERFACES) {
    records_.push_back(record);
    return static_cast<std::uint32_t>(records_.size() - 1);
  }
  const auto id = vacant();
  if (id) records_[*id] = record;
  return id;
}

std::vector<std::uint32_t> InterfaceTable::vacate(std::int64_t now_ns) {
  std::vector<std::uint32_t> vacated;
  std::erase_if(released_, [&](const auto& released) {
    const auto& [id, time] = released;
    if (now_ns - time < kQuarantineNs) return false;
    records_[id] = {};
    vacated.push_back(id);
    return true;
  });
  return vacated;
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

std::optional<std::uint32_t> InterfaceTable::vacant() const {
  const auto found = std::ranges::find_if(records_, &InterfaceRecord::is_blank);
  if (found == records_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - records_.begin());
}

}  // namespace caprock::agent
