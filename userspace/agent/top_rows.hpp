// SPDX-License-Identifier: Apache-2.0
// Traffic as rows: by flow, process or container.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/top_query.hpp"
#include "api/top.hpp"
#include "export/recent_owners.hpp"
#include "export/traffic.hpp"
#include "export/traffic_meter.hpp"

namespace caprock::agent {

inline constexpr std::array kTopGroupings = {api::kByProcess, api::kByFlow, api::kByContainer};
inline constexpr std::array<std::string_view, 4> kTopSortKeys = {"bytes", "packets",
                                                                 "retransmissions", "drops"};

/// What of a report comes from the traffic: rows, sums and rates. A flow whose ends are two
/// processes of this host counts for each of them, and once in the total. `interfaces`: by
/// the traffic's ids.
api::TopReport top_report(const exporting::Traffic& traffic,
                          const std::vector<exporting::MeteredInterface>& interfaces,
                          const exporting::RecentOwners& owners, const TopQuery& query);

}  // namespace caprock::agent
