// SPDX-License-Identifier: Apache-2.0
// Our clsact filters inside other network namespaces.
#pragma once

#include "capture/attached_devices.hpp"

namespace caprock::capture {

/// Removes those that an agent before left, but for those of `attached`. Where no process is to be
/// seen any more, a filter goes with its namespace.
void remove_pod_filters(const AttachedDevices& attached);

}  // namespace caprock::capture
