// SPDX-License-Identifier: Apache-2.0
#include "core/clock.hpp"

#include <ctime>
#include <fstream>
#include <limits>

namespace caprock {
namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t wall_ns() {
  return read_clock(CLOCK_REALTIME);
}

std::int64_t monotonic_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

std::int64_t suspended_ns() {
  return read_clock(CLOCK_BOOTTIME) - monotonic_ns();
}

std::int64_t wall_offset_ns() {
  std::int64_t best_window = std::numeric_limits<std::int64_t>::max();
  std::int64_t offset = 0;
  for (int i = 0; i < 8; ++i) {
    const std::int64_t before = monotonic_ns();
    const std::int64_t wall = wall_ns();
    const std::int64_t after = monotonic_ns();
    if (after - before >= best_window) continue;
    best_window = after - before;
    offset = wall - (before + (after - before) / 2);
  }
  return offset;
}

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

}  // namespace caprock
