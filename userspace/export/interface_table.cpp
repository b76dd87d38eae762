// SPDX-License-Identifier: Apache-2.0
#include "export/interface_table.hpp"

#include <algorithm>

namespace caprock::exporting {

void InterfaceTable::reserve(std::size_t ids) {
  interfaces_.resize(std::max(ids, interfaces_.size()));
}

std::uint32_t InterfaceTable::place(std::uint32_t id, const InterfaceRecord& record) {
  reserve(id + 1);
  if (interfaces_[id] == record || record.is_blank()) return id;
  if (interfaces_[id].is_blank() && id >= fixed_) {
    interfaces_[id] = record;
    places_.emplace(record, id);
    return id;
  }
  const auto behind = static_cast<std::uint32_t>(interfaces_.size());
  const auto [place, is_new] = places_.emplace(record, behind);
  if (is_new) interfaces_.push_back(record);
  return place->second;
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
