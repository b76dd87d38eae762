// SPDX-License-Identifier: Apache-2.0
// The names under which links are pinned: link_<ifindex>_in, _out, _xdp, and link_<ifindex>_end at
// the device's other end, inside of a pod. For a pod's loopback the inode of the network namespace
// stands for the ifindex: it is higher than any.
#pragma once

#include <cstdint>
#include <filesystem>

#include "capture/attached_devices.hpp"
#include "core/result.hpp"

namespace caprock::capture {

enum class LinkHook { kIngress, kEgress, kXdp, kPodEnd };

/// Empty when `directory` is: no pins.
std::filesystem::path link_pin(const std::filesystem::path& directory, std::uint32_t ifindex,
                               LinkHook hook);

/// Detaches and unpins the link of that pin, if there is one. An error: it is still there.
Status discard_link(const std::filesystem::path& pin);

/// Detaches and unpins all links in `directory` but those of `attached`.
Status discard_other_links(const std::filesystem::path& directory, const AttachedDevices& attached);

}  // namespace caprock::capture
