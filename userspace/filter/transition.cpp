// SPDX-License-Identifier: Apache-2.0
#include "filter/transition.hpp"

#include <algorithm>
#include <cstdint>

namespace caprock::filter {
namespace {

constexpr std::uint32_t kRestrictions = SETTINGS_ONLY_ADDRESSES | SETTINGS_ONLY_PORTS;

capture_settings settings_meanwhile(const capture_settings& in_force,
                                    const capture_settings& wanted) {
  capture_settings settings = in_force;
  const std::uint32_t either = in_force.flags | wanted.flags;
  const std::uint32_t both = in_force.flags & wanted.flags;
  settings.flags = (either & ~kRestrictions) | (both & kRestrictions);
  settings.snaplen = std::max(in_force.snaplen, wanted.snaplen);
  settings.generation = in_force.generation + 1;
  return settings;
}

void plan_additions(Table table, const FilterState& in_force, const FilterState& wanted,
                    std::vector<TableEntry>& to) {
  for (const auto& [key, value] : wanted[table]) {
    const auto known = in_force[table].find(key);
    if (known == in_force[table].end() || known->second != value) to.push_back({table, key, value});
  }
}

void plan_removals(Table table, const FilterState& in_force, const FilterState& wanted,
                   std::vector<TableEntry>& to) {
  for (const auto& [key, value] : in_force[table]) {
    if (!wanted[table].contains(key)) to.push_back({table, key, {}});
  }
}

}  // namespace

Transition plan_transition(const FilterState& in_force, const FilterState& wanted) {
  Transition transition;
  transition.meanwhile = settings_meanwhile(in_force.settings, wanted.settings);
  for (std::size_t i = 0; i < kTableNames.size(); ++i) {
    plan_additions(static_cast<Table>(i), in_force, wanted, transition.additions);
    plan_removals(static_cast<Table>(i), in_force, wanted, transition.removals);
  }
  transition.after = wanted.settings;
  transition.after.wall_offset_ns = in_force.settings.wall_offset_ns;
  transition.after.generation = in_force.settings.generation + 2;
  return transition;
}

}  // namespace caprock::filter
