// SPDX-License-Identifier: Apache-2.0
// Quantities as users write them: Kubernetes sizes ("1Gi", "500M"), Go durations ("5m", "1h30m"), times.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace caprock {

using Nanoseconds = std::chrono::nanoseconds;

/// Bytes of a Kubernetes quantity: a decimal number, optionally with one of k M G T P E (powers of 1000) or
/// Ki Mi Gi Ti Pi Ei (powers of 1024); exponents ("1e9") too. Fractions must come out whole ("1.5Gi" does).
Result<std::uint64_t> parse_size(std::string_view text);

/// A Go duration: "0", or numbers with units ns us µs ms s m h, one after another ("1h30m", "1.5s"), optional sign.
Result<Nanoseconds> parse_duration(std::string_view text);

/// A point in time in ns since the epoch: RFC 3339 ("2026-11-22T10:00:00Z", fraction and offset allowed), a duration
/// relative to `now_ns` ("-5m"), or "now".
Result<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns);

/// "1.5 GiB", "512 B": three figures at the most, for people.
std::string format_size(std::uint64_t bytes);

/// "1h30m", "4.2s", "350ms": two units at the most, for people.
std::string format_duration(Nanoseconds duration);

/// RFC 3339 in UTC with nanoseconds, trailing zeros of the fraction left out.
std::string format_time(std::int64_t ns);

}  // namespace caprock
