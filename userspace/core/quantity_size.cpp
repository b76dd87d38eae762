// SPDX-License-Identifier: Apache-2.0
// Sizes. Grammar: k8s.io/apimachinery, resource.Quantity.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "core/quantity.hpp"
#include "core/scan.hpp"

namespace caprock {
namespace {

using namespace scan;

struct SizeUnit {
  std::string_view suffix;
  std::uint64_t bytes;
};

constexpr auto kSizeUnits = std::to_array<SizeUnit>({
    {"", 1},
    {"k", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"T", 1'000'000'000'000},
    {"P", 1'000'000'000'000'000},
    {"E", 1'000'000'000'000'000'000},
    {"Ki", 1ULL << 10},
    {"Mi", 1ULL << 20},
    {"Gi", 1ULL << 30},
    {"Ti", 1ULL << 40},
    {"Pi", 1ULL << 50},
    {"Ei", 1ULL << 60},
});

/// Bytes of the unit `suffix`: a letter of kSizeUnits, or a decimal exponent ("e9", "E3").
std::optional<std::uint64_t> size_unit(std::string_view suffix) {
  for (const auto& unit : kSizeUnits)
    if (suffix == unit.suffix) return unit.bytes;
  if (!take(suffix, "e") && !take(suffix, "E")) return std::nullopt;
  unsigned exponent = 0;
  const auto* end = suffix.data() + suffix.size();
  const auto [stop, code] = std::from_chars(suffix.data(), end, exponent);
  if (code != std::errc{} || stop != end || exponent > 18) return std::nullopt;
  return static_cast<std::uint64_t>(power_of_ten(exponent));
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error(fmt::format("\"{}\" is not a size: {}", text, why));
  };
  auto rest = text;
  const auto number = take_decimal(rest);
  if (!number) return refuse("write it as 1Gi, 500Mi or 1000000");
  const auto unit = size_unit(rest);
  if (!unit)
    return refuse(fmt::format("unknown unit \"{}\", use Ki Mi Gi Ti Pi Ei or k M G T P E", rest));
  const Wide scaled = Wide{number->mantissa} * *unit;
  const Wide divisor = power_of_ten(number->scale);
  if (scaled % divisor != 0) return refuse("it is not a whole number of bytes");
  if (scaled / divisor > std::numeric_limits<std::uint64_t>::max())
    return refuse("it is too large");
  return static_cast<std::uint64_t>(scaled / divisor);
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                      "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit)
    value /= 1024;
  return fmt::format("{} {}", three_figures(value), kUnits[unit]);
}

}  // namespace caprock
