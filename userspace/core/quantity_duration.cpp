// SPDX-License-Identifier: Apache-2.0
// Durations. Grammar: Go, time.ParseDuration.
#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>

#include "core/quantity.hpp"
#include "core/scan.hpp"

namespace caprock {
namespace {

using namespace scan;

struct DurationUnit {
  std::string_view suffix;
  std::int64_t ns;
};

// A unit stands before those that it is the beginning of.
constexpr auto kDurationUnits = std::to_array<DurationUnit>({
    {"ns", 1},
    {"us", 1'000},
    {"\u00b5s", 1'000},  // micro sign
    {"\u03bcs", 1'000},  // Greek mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
});

std::optional<std::int64_t> take_duration_unit(std::string_view& text) {
  for (const auto& unit : kDurationUnits)
    if (take(text, unit.suffix)) return unit.ns;
  return std::nullopt;
}

/// ns of an unsigned duration, at most INT64_MAX; fractions of a nanosecond are cut off, as Go
/// does.
std::optional<std::int64_t> parse_magnitude(std::string_view text) {
  if (text == "0") return 0;
  Wide total = 0;
  do {
    const auto number = take_decimal(text);
    if (!number) return std::nullopt;
    const auto unit = take_duration_unit(text);
    if (!unit) return std::nullopt;
    total += Wide{number->mantissa} * static_cast<Wide>(*unit) / power_of_ten(number->scale);
    if (total > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  } while (!text.empty());
  return static_cast<std::int64_t>(total);
}

/// "1h30m": `major` and the rest of it in `minor`, rounded to whole minors.
std::string two_units(std::int64_t ns, const DurationUnit& major, const DurationUnit& minor) {
  const auto minors = (ns + minor.ns / 2) / minor.ns;
  const auto per_major = major.ns / minor.ns;
  if (minors % per_major == 0) return fmt::format("{}{}", minors / per_major, major.suffix);
  return fmt::format("{}{}{}{}", minors / per_major, major.suffix, minors % per_major,
                     minor.suffix);
}

}  // namespace

Result<Nanoseconds> parse_duration(std::string_view text) {
  auto rest = text;
  const bool negative = rest.starts_with('-');
  if (!take(rest, "-")) take(rest, "+");
  const auto magnitude = parse_magnitude(rest);
  if (!magnitude)
    return Error(fmt::format("\"{}\" is not a duration: write it as 5m, 1h30m or 1.5s", text));
  return Nanoseconds(negative ? -*magnitude : *magnitude);
}

std::string format_duration(Nanoseconds duration) {
  constexpr DurationUnit kDay{"d", 86'400'000'000'000}, kHour{"h", 3'600'000'000'000},
      kMinute{"m", 60'000'000'000}, kSecond{"s", 1'000'000'000};
  const auto ns = duration.count();
  if (ns < 0) return "-" + format_duration(Nanoseconds(ns == INT64_MIN ? INT64_MAX : -ns));
  if (ns >= kDay.ns - kMinute.ns / 2) return two_units(ns, kDay, kHour);
  if (ns >= kHour.ns - kSecond.ns / 2) return two_units(ns, kHour, kMinute);
  if (ns >= kMinute.ns - kSecond.ns / 20) return two_units(ns, kMinute, kSecond);
  if (ns == 0) return "0s";
  if (ns >= 1'000'000'000) return three_figures(static_cast<double>(ns) / 1e9) + "s";
  if (ns >= 1'000'000) return three_figures(static_cast<double>(ns) / 1e6) + "ms";
  if (ns >= 1'000) return three_figures(static_cast<double>(ns) / 1e3) + "\u00b5s";
  return fmt::format("{}ns", ns);
}

}  // namespace caprock
