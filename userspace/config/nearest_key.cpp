// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>
#include <vector>

#include "config/key.hpp"

namespace caprock::config {
namespace {

std::string_view leaf(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

/// Levenshtein distance, upper and lower case alike.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (same_letter(a[i], b[j]) ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_key(std::string_view path) {
  constexpr std::size_t kFarthest = 3;
  const auto all = keys();
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const Key& a, const Key& b) {
    return distance(path, a.path) < distance(path, b.path);
  });
  if (distance(path, nearest->path) <= kFarthest) return nearest->path;
  const auto misplaced = std::find_if(all.begin(), all.end(), [&](const Key& candidate) {
    return distance(leaf(path), leaf(candidate.path)) <= 1;
  });
  return misplaced == all.end() ? std::string_view{} : misplaced->path;
}

}  // namespace caprock::config
