// SPDX-License-Identifier: Apache-2.0
#include "capture/cpu_slots.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string>

namespace caprock::capture {

/// From a list like "0-3,6".
Result<unsigned> count_cpu_slots() {
  const char* const path = "/sys/devices/system/cpu/online";
  std::string online;
  std::ifstream(path) >> online;
  if (online.empty()) return Error(fmt::format("{} cannot be read; is /sys mounted?", path));
  const std::size_t last = online.find_last_of("-,") + 1;  // npos + 1 is 0: a single number
  return static_cast<unsigned>(std::stoul(online.substr(last))) + 1;
}

}  // namespace caprock::capture
