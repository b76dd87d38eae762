// SPDX-License-Identifier: Apache-2.0
#include "insight/event_limits.hpp"

#include <algorithm>
#include <cstdint>

#include "core/os_event_names.hpp"

namespace caprock::insight {
namespace {

constexpr EventLimits kUsualLimits = [] {
  EventLimits limits;
  limits.fill(2000);
  for (const auto type :
       {OS_RETRANSMIT, OS_RESET_SENT, OS_RESET_RECEIVED, OS_CONGESTION, OS_ZERO_WINDOW,
        OS_BAD_CHECKSUM, OS_LISTEN_OVERFLOW, OS_DROP, OS_UDP_OVERFLOW, OS_MEMORY_LIMIT})
    limits[type] = 200;
  limits[OS_OPEN] = UINT32_MAX;  // an inventory goes on as there is room for what it tells
  return limits;
}();

/// Not recorded unless they are named.
constexpr std::array kNoisy = {OS_RTT};

}  // namespace

EventLimits limits_of(const std::vector<std::string>& names,
                      const std::map<std::string, std::uint32_t>& changed) {
  EventLimits limits = kUsualLimits;
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    const bool wanted = names.empty()
                            ? std::ranges::find(kNoisy, type) == kNoisy.end()
                            : std::ranges::find(names, kOsEventNames[type]) != names.end();
    const auto other = changed.find(std::string(kOsEventNames[type]));
    if (other != changed.end()) limits[type] = other->second;
    if (!wanted) limits[type] = 0;
  }
  return limits;
}

bool any_wanted(const EventLimits& limits, std::initializer_list<os_event_type> types) {
  return std::ranges::any_of(types, [&](os_event_type type) { return limits[type] != 0; });
}

bool wants_owners(const EventLimits& limits) {
  return any_wanted(
      limits, {OS_BIND, OS_LISTEN, OS_CONNECT, OS_ESTABLISHED, OS_ACCEPT, OS_FAILED, OS_OPEN,
               OS_CLOSED, OS_RETRANSMIT, OS_RESET_SENT, OS_RESET_RECEIVED, OS_RTT, OS_CONGESTION,
               OS_ZERO_WINDOW, OS_LISTEN_OVERFLOW, OS_UDP_OVERFLOW, OS_MEMORY_LIMIT});
}

}  // namespace caprock::insight
