// SPDX-License-Identifier: Apache-2.0
#include "export/interface_table.hpp"

#include <algorithm>

namespace caprock::exporting {

void InterfaceTable::reserve(std::size_t ids) {
  interfaces_.resize(std::max(ids, interfaces_.size()));
}

std::uint32_t InterfaceTable::place(std::uint32_t id, const InterfaceRecord& record) {
  reserve(id + 1);
  if (interfaces_[id] == record || record.name.empty()) return id;
  if (interfaces_[id].name.empty() && id >= fixed_) {
    interfaces_[id] = record;
    return id;
  }
  const auto found = std::ranges::find(interfaces_, record);
  const auto place = static_cast<std::uint32_t>(found - interfaces_.begin());
  if (found == interfaces_.end()) interfaces_.push_back(record);
  return place;
}

SharedInterfaceIds InterfaceTable::add(const InterfaceList& segment) {
  InterfaceIds ids;
  ids.reserve(segment.size());
  for (const InterfaceRecord& record : segment) {
    ids.push_back(place(static_cast<std::uint32_t>(ids.size()), record));
  }
  if (!latest_ || *latest_ != ids) latest_ = std::make_shared<const InterfaceIds>(std::move(ids));
  return latest_;
}

}  // namespace caprock::exporting
