// SPDX-License-Identifier: Apache-2.0
#include "filter/transition.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace caprock::filter {
namespace {

using capture::MapEntries;

constexpr std::uint32_t kGenerations = 4;  // of a transition
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

/// The key of a prefix in cidr4 or cidr6.
capture::MapBytes truncated_cidr_key(const capture::MapBytes& address, std::uint32_t bits) {
  const Bytes length = capture::object_bytes(bits);
  capture::MapBytes key(length.begin(), length.end());
  for (std::uint32_t i = 0; i < address.size(); ++i) {
    const std::uint32_t kept = std::min(bits > 8 * i ? bits - 8 * i : 0u, 8u);
    key.push_back(address[i] & static_cast<std::byte>(0xff00u >> kept));
  }
  return key;
}

bool has_addresses(Table table) {
  return std::ranges::find(kAddressTables, table) != kAddressTables.end();
}

/// Of an exact address or of what covers it: the flags by which a filter takes its packets.
std::uint32_t taking_flags(const FilterState& state, Table table, const capture::MapBytes& key) {
  constexpr std::uint32_t kTaking = ADDRESS_INCLUDED | ADDRESS_TARGET;
  const auto known = state[table].find(key);
  if (known != state[table].end()) return load<address_verdict>(known->second).flags & kTaking;
  if (table != Table::kAddress4 && table != Table::kAddress6) return 0;
  const MapEntries& cidrs = state[table == Table::kAddress4 ? Table::kCidr4 : Table::kCidr6];
  for (auto bits = static_cast<std::uint32_t>(8 * key.size()); bits-- > 0;) {
    const auto found = cidrs.find(truncated_cidr_key(key, bits));
    if (found != cidrs.end()) return load<address_verdict>(found->second).flags & kTaking;
  }
  return 0;
}

/// A value that takes what the other filter's takes as well; one that excludes stays as it is.
capture::MapBytes value_meanwhile(Table table, const capture::MapBytes& key,
                                  const capture::MapBytes& value, const FilterState& other) {
  if (!has_addresses(table)) return value;
  auto verdict = load<address_verdict>(value);
  if ((verdict.flags & ADDRESS_EXCLUDED) == 0) verdict.flags |= taking_flags(other, table, key);
  const Bytes bytes = capture::object_bytes(verdict);
  return {bytes.begin(), bytes.end()};
}

void plan_additions(Table table, const FilterState& in_force, const FilterState& wanted,
                    Transition& to) {
  for (const auto& [key, value] : wanted[table]) {
    const auto known = in_force[table].find(key);
    if (known != in_force[table].end() && known->second == value) continue;
    auto meanwhile = value_meanwhile(table, key, value, in_force);
    if (meanwhile != value) to.restrictions.push_back({table, key, value});
    to.additions.push_back({table, key, std::move(meanwhile)});
  }
}

/// An address hides the CIDRs around it until it is gone: those of the new filter may take it.
void plan_removals(Table table, const FilterState& in_force, const FilterState& wanted,
                   Transition& to) {
  for (const auto& [key, value] : in_force[table]) {
    if (wanted[table].contains(key)) continue;
    auto meanwhile = value_meanwhile(table, key, value, wanted);
    if (meanwhile != value) to.additions.push_back({table, key, std::move(meanwhile)});
    to.removals.push_back({table, key, {}});
  }
}

}  // namespace

Transition plan_transition(const FilterState& in_force, const FilterState& wanted) {
  Transition transition;
  transition.meanwhile = settings_meanwhile(in_force.settings, wanted.settings);
  for (std::size_t i = 0; i < kTableNames.size(); ++i) {
    plan_additions(static_cast<Table>(i), in_force, wanted, transition);
    plan_removals(static_cast<Table>(i), in_force, wanted, transition);
  }
  transition.after = wanted.settings;
  transition.after.wall_offset_ns = in_force.settings.wall_offset_ns;
  std::ranges::copy(in_force.settings.tunnel_ports, transition.after.tunnel_ports);
  transition.after.generation = in_force.settings.generation + kGenerations;
  return transition;
}

}  // namespace caprock::filter
