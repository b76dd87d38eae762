// SPDX-License-Identifier: Apache-2.0
// The interfaces of an exported file, whose one section spans segments that may use an id for
// different interfaces.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/interface_list.hpp"

namespace caprock::exporting {

/// A segment's interface id → the file's.
using InterfaceIds = std::vector<std::uint32_t>;
using SharedInterfaceIds = std::shared_ptr<const InterfaceIds>;

/// Grows by the interfaces of one segment after another. An id stays what it is in the segments
/// wherever it means the same in all of them; an interface that finds its id taken gets one of its
/// own behind the others.
class InterfaceTable {
 public:
  /// Keeps this many ids for interfaces that have them in some segment.
  void reserve(std::size_t ids);

  /// The ids of a segment with these interfaces, adding those that are new.
  SharedInterfaceIds add(const InterfaceList& segment);

  /// In id order; ids that nobody uses have no name.
  const InterfaceList& interfaces() const { return interfaces_; }

  /// From here on interfaces are only added behind those that are there: their descriptions are
  /// written.
  void freeze() { fixed_ = interfaces_.size(); }

 private:
  std::uint32_t place(std::uint32_t id, const InterfaceRecord& record);

  InterfaceList interfaces_;
  std::map<InterfaceRecord, std::uint32_t> places_;  // the first of each
  std::size_t fixed_ = 0;
  SharedInterfaceIds latest_;  // most segments have the same
};

}  // namespace caprock::exporting
