// SPDX-License-Identifier: Apache-2.0
// The clocks: time of the record (wall), time that never steps (monotonic), and the identity of
// this boot.
#pragma once

#include <cstdint>
#include <string>

namespace caprock {

/// CLOCK_REALTIME in ns since the epoch.
std::int64_t wall_ns();

/// CLOCK_MONOTONIC in ns: the clock of bpf_ktime_get_ns().
std::int64_t monotonic_ns();

/// CLOCK_BOOTTIME minus CLOCK_MONOTONIC in ns: how long the machine has slept since its start.
std::int64_t suspended_ns();

/// Wall minus monotonic, from the tightest of several pairs of readings (error below 1 µs on a
/// quiet machine).
std::int64_t wall_offset_ns();

/// The kernel's random id of this boot ("xxxxxxxx-xxxx-…", 36 characters); empty when /proc is not
/// there.
std::string boot_id();

}  // namespace caprock
