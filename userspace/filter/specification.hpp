// SPDX-License-Identifier: Apache-2.0
// What is to be recorded, as the configuration says it.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "config/config.hpp"
#include "core/result.hpp"
#include "filter/prefix.hpp"

namespace caprock::filter {

/// Exclusion wins over inclusion. An empty list of what to include means everything.
struct Specification {
  bool tcp = true;
  bool udp = true;
  std::set<Prefix> addresses;
  std::set<Prefix> excluded_addresses;
  std::set<std::uint16_t> ports;
  std::set<std::uint16_t> excluded_ports;
  /// Single addresses, of what a cluster runs here: those that links of INTERFACE_TARGETS are
  /// recorded for.
  std::set<Prefix> targets = {};
  std::uint32_t snaplen = 0;
  bool drop_on_overload = false;

  static Result<Specification> from(const config::Agent& agent);
};

}  // namespace caprock::filter
