// SPDX-License-Identifier: Apache-2.0
// Times. Grammar: RFC 3339, section 5.6.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/quantity.hpp"
#include "core/scan.hpp"

namespace caprock {
namespace {

using namespace scan;

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

}  // namespace

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
