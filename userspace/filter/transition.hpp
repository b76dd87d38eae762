// SPDX-License-Identifier: Apache-2.0
// From one filter to the next while packets flow.
#pragma once

#include <vector>

#include "filter/filter_state.hpp"

namespace caprock::filter {

struct TableEntry {
  Table table;
  capture::MapBytes key;
  capture::MapBytes value;
};

/// The writes that lead from one filter to the next, to be done in the order of the members.
/// Invariant: a packet that both filters take is taken at every moment in between. (One that only
/// one of them takes may be taken or not.)
///
/// Why it holds: `meanwhile` looks into every table that either filter has and restricts only where
/// both do. With all additions before all removals, each lookup finds the old filter's verdict or
/// the new one's, so never an exclusion that neither has; and an address keeps its inclusion by the
/// old filter, and as a target of it, until all of the new one are in place.
///
/// Between the members the generation of the settings goes on, so that the programs remember of
/// each only what holds for the next.
struct Transition {
  capture_settings meanwhile{};
  std::vector<TableEntry> additions;     // new and changed ones
  std::vector<TableEntry> removals;      // without values
  std::vector<TableEntry> restrictions;  // of the additions, those that took more up to here
  capture_settings after{};
};

/// Pure. Wall offset and tunnel ports are those of `in_force`.
Transition plan_transition(const FilterState& in_force, const FilterState& wanted);

}  // namespace caprock::filter
