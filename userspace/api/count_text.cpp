// SPDX-License-Identifier: Apache-2.0
#include "api/count_text.hpp"

#include <fmt/format.h>

#include <array>

#include "core/scan.hpp"

namespace caprock::api {

std::string count_text(double count) {
  constexpr std::array<std::string_view, 6> kUnits = {"", "k", "M", "G", "T", "P"};
  constexpr double kWholeBelow = 9999.5;
  if (count < kWholeBelow) return fmt::format("{:.0f}", count);
  std::size_t unit = 0;
  for (; count >= 999.5 && unit + 1 < kUnits.size(); ++unit)
    count /= 1000;
  return scan::three_figures(count) + std::string(kUnits[unit]);
}

}  // namespace caprock::api
