// SPDX-License-Identifier: Apache-2.0
// Taking a quantity's text apart from the front, with exact decimals: what size, duration and time
// parsers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caprock::scan {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes `prefix` from the front of `text` if it is there.
bool take(std::string_view& text, std::string_view prefix);

/// Takes the digits at the front of `text`, which may be none.
std::string_view take_digits(std::string_view& text);

/// A decimal number exactly: mantissa / 10^scale.
struct Decimal {
  std::uint64_t mantissa = 0;
  unsigned scale = 0;  // at most 18
};

/// Takes "12", "1.5" or ".5" from the front of `text`; nothing when there is no digit or more of
/// them than fit.
std::optional<Decimal> take_decimal(std::string_view& text);

// 128 bits hold any mantissa times any unit.
__extension__ using Wide = unsigned __int128;

constexpr Wide power_of_ten(unsigned exponent) {
  Wide power = 1;
  while (exponent-- > 0)
    power *= 10;
  return power;
}

/// Three figures at the most, without trailing zeros: "1.5", "12", "123".
std::string three_figures(double value);

}  // namespace caprock::scan
