// SPDX-License-Identifier: Apache-2.0
// The addresses under which this host is reached, or what is in another network namespace.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace caprock::capture {

/// ifindex → one of its addresses. Not those that every device has of itself (link-local).
using HostAddresses = std::map<std::uint32_t, std::string>;

Result<HostAddresses> read_host_addresses();

/// Those by which others reach the network namespace that has this id here
/// (Device::lower_namespace). Nothing is entered. None where it has gone.
std::vector<std::string> addresses_in_namespace(std::int32_t id);

/// Of those but `known`, the ones on devices above one of another namespace, as macvlan, ipvlan and
/// VLANs may be: their packets pass the device below. Fails where the kernel does not tell.
Result<std::vector<std::string>> shared_addresses_in_namespace(
    std::int32_t id, const std::vector<std::string>& known);

}  // namespace caprock::capture
