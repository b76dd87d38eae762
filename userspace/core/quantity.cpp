// SPDX-License-Identifier: Apache-2.0
// Quantities as users write them. Sizes: k8s.io/apimachinery resource.Quantity; durations: Go
// time.ParseDuration; times: RFC 3339, section 5.6.
#include "core/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace caprock {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits at the front of `text`.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// A decimal number exactly: mantissa / 10^scale.
struct Decimal {
  std::uint64_t mantissa = 0;
  unsigned scale = 0;
};

/// Takes "12", "1.5" or ".5" from the front of `text`; nothing when there is no digit or more of
/// them than fit.
std::optional<Decimal> take_decimal(std::string_view& text) {
  std::string digits(take_digits(text));
  unsigned scale = 0;
  if (take(text, ".")) {
    const auto fraction = take_digits(text);
    digits += fraction;
    scale = static_cast<unsigned>(fraction.size());
  }
  Decimal number{0, scale};
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number.mantissa);
  if (code != std::errc{} || scale > 18) return std::nullopt;
  return number;
}

// 128 bits hold any 64-bit mantissa times any unit used here.
__extension__ using Wide = unsigned __int128;

constexpr Wide power_of_ten(unsigned exponent) {
  Wide power = 1;
  while (exponent-- > 0)
    power *= 10;
  return power;
}

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

/// Takes exactly `width` digits whose value is in [low, high].
std::optional<int> take_field(std::string_view& text, std::size_t width, int low, int high) {
  int value = 0;
  const auto field = text.substr(0, width);
  if (field.size() != width || !std::all_of(field.begin(), field.end(), is_digit)) return {};
  std::from_chars(field.data(), field.data() + width, value);
  if (value < low || value > high) return std::nullopt;
  text.remove_prefix(width);
  return value;
}

/// Takes "YYYY-MM-DD".
std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_field(text, 4, 1678, 2261);  // what 64 bits of ns reach
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_field(text, 2, 1, 12);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_field(text, 2, 1, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

/// Takes "hh:mm", the part that a time of day and an offset share.
std::optional<std::chrono::minutes> take_hours_minutes(std::string_view& text) {
  const auto hours = take_field(text, 2, 0, 23);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_field(text, 2, 0, 59);
  if (!minutes) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

/// Takes ".123456789", up to nine digits, if it is there.
std::optional<Nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return Nanoseconds(0);
  std::string digits(take_digits(text));
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  digits.resize(9, '0');
  std::int64_t ns = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), ns);
  return Nanoseconds(ns);
}

/// Takes "Z" or "±hh:mm".
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, "Z") || take(text, "z")) return std::chrono::minutes(0);
  const bool west = text.starts_with('-');
  if (!take(text, "-") && !take(text, "+")) return std::nullopt;
  const auto offset = take_hours_minutes(text);
  if (!offset) return std::nullopt;
  return west ? -*offset : *offset;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !(take(text, "T") || take(text, "t") || take(text, " "))) return std::nullopt;
  const auto day_time = take_hours_minutes(text);
  if (!day_time || !take(text, ":")) return std::nullopt;
  const auto seconds = take_field(text, 2, 0, 60);  // 60: a leap second
  if (!seconds) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const Nanoseconds time =
      date->time_since_epoch() + *day_time + std::chrono::seconds(*seconds) + *fraction - *offset;
  return time.count();
}

/// Three figures at the most, without trailing zeros.
std::string three_figures(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  auto text = fmt::format("{:.{}f}", value, decimals);
  if (decimals > 0) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text;
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

Result<Nanoseconds> parse_duration(std::string_view text) {
  auto rest = text;
  const bool negative = rest.starts_with('-');
  if (!take(rest, "-")) take(rest, "+");
  const auto magnitude = parse_magnitude(rest);
  if (!magnitude)
    return Error(fmt::format("\"{}\" is not a duration: write it as 5m, 1h30m or 1.5s", text));
  return Nanoseconds(negative ? -*magnitude : *magnitude);
}

Result<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns) {
  if (text == "now") return now_ns;
  if (const auto time = parse_rfc3339(text)) return *time;
  std::int64_t time = 0;
  if (text.starts_with('-') || text.starts_with('+'))
    if (const auto offset = parse_duration(text))
      if (!__builtin_add_overflow(now_ns, offset->count(), &time)) return time;
  return Error(
      fmt::format("\"{}\" is not a time: write it as 2026-11-22T10:00:00Z, -5m or now", text));
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

std::string format_time(std::int64_t ns) {
  const std::chrono::sys_time<Nanoseconds> time{Nanoseconds(ns)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                          clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto fraction = clock.subseconds().count(); fraction != 0) {
    text += fmt::format(".{:09}", fraction);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

}  // namespace caprock
