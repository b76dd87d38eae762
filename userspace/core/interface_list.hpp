// SPDX-License-Identifier: Apache-2.0
// The interfaces of the record: what the file's IDBs say, index = interface id.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <vector>

namespace caprock {

struct InterfaceRecord {
  std::string name;         // if_name; empty: blank, for an id that is not in use
  std::string description;  // if_description; may be empty

  bool operator==(const InterfaceRecord&) const = default;
  auto operator<=>(const InterfaceRecord&) const = default;

  bool is_blank() const { return name.empty(); }
};

/// Immutable once published; control plane and lanes swap whole lists.
using InterfaceList = std::vector<InterfaceRecord>;
using SharedInterfaceList = std::shared_ptr<const InterfaceList>;

}  // namespace caprock
