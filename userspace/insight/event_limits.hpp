// SPDX-License-Identifier: Apache-2.0
// Which events are recorded, and how many of them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "abi/os_event.h"

namespace caprock::insight {

/// Events of each type that are recorded in a second by one CPU at the most; 0: none.
using EventLimits = std::array<std::uint32_t, OS_EVENT_TYPES>;

/// The events of these names (core/os_event_names.hpp), none: all that are not noisy; each up to
/// its usual limit, or the one that `changed` has for its name.
EventLimits limits_of(const std::vector<std::string>& names,
                      const std::map<std::string, std::uint32_t>& changed = {});

/// Whether one of these is recorded at all.
bool any_wanted(const EventLimits& limits, std::initializer_list<os_event_type> types);

/// Whether one is that names the owner of a socket, which is known only where all states of sockets
/// are followed.
bool wants_owners(const EventLimits& limits);

}  // namespace caprock::insight
