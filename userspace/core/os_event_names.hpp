// SPDX-License-Identifier: Apache-2.0
// What users call the events of the operating system: in agent.os.events, in the record, in the
// status.
#pragma once

#include <array>
#include <string_view>

#include "abi/os_event.h"

namespace caprock {

/// By enum os_event_type.
inline constexpr std::array<std::string_view, OS_EVENT_TYPES> kOsEventNames = {"exec",
                                                                               "exit",
                                                                               "oom",
                                                                               "cgroup-created",
                                                                               "cgroup-removed",
                                                                               "bind",
                                                                               "listen",
                                                                               "connect",
                                                                               "established",
                                                                               "accept",
                                                                               "failed",
                                                                               "open",
                                                                               "closed",
                                                                               "retransmit",
                                                                               "reset-sent",
                                                                               "reset-received",
                                                                               "rtt",
                                                                               "congestion",
                                                                               "zero-window",
                                                                               "bad-checksum",
                                                                               "listen-overflow",
                                                                               "drop",
                                                                               "udp-overflow",
                                                                               "memory-limit"};

}  // namespace caprock
