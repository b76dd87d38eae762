// SPDX-License-Identifier: Apache-2.0
// The log of a daemon: lines on standard error, in systemd's priority notation under systemd, plain otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caprock {

enum class LogLevel { kError = 3, kWarning = 4, kInfo = 6, kDebug = 7 };

/// Lines above this level are left out. Default: kInfo. Any thread.
void set_log_level(LogLevel level);

/// One line. Any thread. Not for the hot path.
void log(LogLevel level, std::string_view line);
inline void log_error(std::string_view line) { log(LogLevel::kError, line); }
inline void log_warning(std::string_view line) { log(LogLevel::kWarning, line); }
inline void log_info(std::string_view line) { log(LogLevel::kInfo, line); }
inline void log_debug(std::string_view line) { log(LogLevel::kDebug, line); }

/// An error that happened at least once since the start.
struct DistinctError {
  std::string message;
  std::uint64_t count = 0;
  std::int64_t first_ns = 0;  // wall time
  std::int64_t last_ns = 0;
};

/// Counts an error; the first of its kind is logged, and again each time the count reaches a power of ten. Any thread.
/// At most 64 kinds are kept; further ones are counted under one heading.
void report_error(std::string_view message);

/// All that were reported, latest first.
std::vector<DistinctError> reported_errors();

}  // namespace caprock
