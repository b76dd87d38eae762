// SPDX-License-Identifier: Apache-2.0
// The links of a pod, seen from the host: by its network namespace, or by the way to its address.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "capture/device.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// The id by which this network namespace knows that of a process, or of an open file of
/// /proc/PID/ns/net or of /run/netns. Nothing where it knows none: then no device of it leads
/// there.
Result<std::optional<std::int32_t>> namespace_id_of_process(pid_t pid);
Result<std::optional<std::int32_t>> namespace_id_of_file(int fd);

/// The devices whose other end is in that namespace.
std::vector<std::uint32_t> links_into_namespace(const DeviceMap& devices, std::int32_t id);

/// The devices by which routers are reached: NICs, and what stands for them where the node itself
/// is in a network namespace, which is a veth as well.
Result<std::set<std::uint32_t>> links_to_routers();

/// The device that leads to an address and to nothing else: a veth or netkit by route, or as the
/// port of the bridge that the route leads to. Nothing where the address is this host's own or of
/// another host, and while a bridge has not yet heard of it: ask again later.
Result<std::optional<std::uint32_t>> link_to_address(const DeviceMap& devices,
                                                     const std::string& address);

}  // namespace caprock::capture
