// SPDX-License-Identifier: Apache-2.0
// The contents of the filter maps (bpf/abi/filter.h): what a specification compiles to, and what is
// in force.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "abi/filter.h"

#include "capture/bpf_map.hpp"

namespace caprock::filter {

enum class Table : std::size_t { kCidr4, kCidr6, kAddress4, kAddress6, kPorts, kOwnEndpoint };

/// Names of the maps, index = Table.
inline constexpr std::array<std::string_view, 6> kTableNames = {"cidr4", "cidr6", "addr4",
                                                                "addr6", "ports", "own_endpoint"};

inline constexpr std::array kAddressTables = {Table::kCidr4, Table::kCidr6, Table::kAddress4,
                                              Table::kAddress6};

struct FilterState {
  // Wall offset and tunnel ports are not the filter's: they stay as they are in force.
  capture_settings settings{};
  std::array<capture::MapEntries, kTableNames.size()> tables;

  capture::MapEntries& operator[](Table table) { return tables[static_cast<std::size_t>(table)]; }
  const capture::MapEntries& operator[](Table table) const {
    return tables[static_cast<std::size_t>(table)];
  }
};

}  // namespace caprock::filter
