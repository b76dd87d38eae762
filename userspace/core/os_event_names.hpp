// SPDX-License-Identifier: Apache-2.0
// What users call the events of the operating system: in agent.os.events, in the record, in the
// status.
#pragma once

#include <array>
#include <string_view>

#include "abi/os_event.h"

namespace caprock {

/// By enum os_event_type.
inline constexpr std::array<std::string_view, OS_EVENT_TYPES> kOsEventNames = {
    "exec",   "exit",   "oom",        "listen",     "connect",        "established",
    "failed", "open",       "closed", "retransmit", "reset-sent", "reset-received", "drop"};

}  // namespace caprock
