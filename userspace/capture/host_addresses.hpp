// SPDX-License-Identifier: Apache-2.0
// The addresses under which this host is reached.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/result.hpp"

namespace caprock::capture {

/// ifindex → one of its addresses. Not those that every device has of itself (link-local).
using HostAddresses = std::map<std::uint32_t, std::string>;

Result<HostAddresses> read_host_addresses();

}  // namespace caprock::capture
