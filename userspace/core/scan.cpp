// SPDX-License-Identifier: Apache-2.0
#include "core/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace caprock::scan {

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

std::string three_figures(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  auto text = fmt::format("{:.{}f}", value, decimals);
  if (decimals > 0) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text;
}

}  // namespace caprock::scan
