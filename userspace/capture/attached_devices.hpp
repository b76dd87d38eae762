// SPDX-License-Identifier: Apache-2.0
// Where an agent has its programs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "abi/filter.h"

namespace caprock::capture {

struct AttachedDevices {
  std::set<std::uint32_t>
      devices;  // by ifindex, loopback of pods by the inode of its network namespace
  std::map<std::uint32_t, pod_end> ends;  // of links into pods, by the links' ifindexes

  bool has_end(std::uint32_t network, std::uint32_t ifindex) const {
    return std::ranges::any_of(ends, [&](const auto& end) {
      return end.second.network == network && end.second.ifindex == ifindex;
    });
  }
};

}  // namespace caprock::capture
