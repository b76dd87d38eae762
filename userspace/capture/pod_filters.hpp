// SPDX-License-Identifier: Apache-2.0
// Our clsact filters inside other network namespaces.
#pragma once

#include <cstdint>
#include <set>

namespace caprock::capture {

/// Removes those that an agent before left, but for those in the namespaces of `attached` (inodes).
/// Where no process is to be seen any more, a filter goes with its namespace.
void remove_pod_filters(const std::set<std::uint32_t>& attached);

}  // namespace caprock::capture
