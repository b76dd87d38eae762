// SPDX-License-Identifier: Apache-2.0
// The tc filters on a device's clsact qdisc, ours and others'.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/limits.h"

#include "core/result.hpp"

namespace caprock::capture {

struct TcFilter {
  std::string kind;  // "bpf", "flower" …
  std::string name;  // of a BPF program; else empty
  std::uint32_t handle = 0;
  std::uint16_t priority = 0;
};

/// In no particular order; empty where there is no clsact qdisc.
Result<std::vector<TcFilter>> list_tc_filters(std::uint32_t ifindex, caprock_direction direction);

}  // namespace caprock::capture
