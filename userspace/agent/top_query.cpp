// SPDX-License-Identifier: Apache-2.0
#include "agent/top_query.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>

#include "agent/top_rows.hpp"

namespace caprock::agent {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kMinWindow = 100ms;
constexpr Nanoseconds kMaxWindow = 60s;
constexpr std::size_t kMaxLimit = 10'000;

Result<Nanoseconds> parse_window(const std::string& text) {
  auto window = parse_duration(text);
  if (!window) return window;
  if (*window < kMinWindow || *window > kMaxWindow)
    return Error(fmt::format("{} is out of bounds: use {} to {}", text, format_duration(kMinWindow),
                             format_duration(kMaxWindow)));
  return window;
}

Result<std::size_t> parse_limit(const std::string& text) {
  std::size_t limit = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, limit);
  if (code != std::errc{} || stop != end || limit == 0 || limit > kMaxLimit)
    return Error(fmt::format("\"{}\" is no number of rows: use 1 to {}", text, kMaxLimit));
  return limit;
}

Result<std::string> parse_choice(const std::string& text,
                                 std::span<const std::string_view> choices) {
  if (std::ranges::find(choices, text) != choices.end()) return text;
  return Error(fmt::format("unknown \"{}\": use {}", text, fmt::join(choices, ", ")));
}

}  // namespace

Result<TopQuery> parse_top_query(const http::Request& request) {
  TopQuery query;
  if (const auto text = request.parameter("window"); !text.empty()) {
    const auto window = parse_window(text);
    if (!window) return window.error().context("window");
    query.window = *window;
  }
  if (const auto text = request.parameter("limit"); !text.empty()) {
    const auto limit = parse_limit(text);
    if (!limit) return limit.error().context("limit");
    query.limit = *limit;
  }
  auto by = parse_choice(request.parameter("by", query.by), kTopGroupings);
  if (!by) return by.error().context("by");
  auto sort = parse_choice(request.parameter("sort", query.sort), kTopSortKeys);
  if (!sort) return sort.error().context("sort");
  query.by = *std::move(by);
  query.sort = *std::move(sort);
  return query;
}

}  // namespace caprock::agent
