// SPDX-License-Identifier: Apache-2.0
#include "core/label_selector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace caprock {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

/// Up to the first `separator` that is not within parentheses; takes it off.
std::string_view take_until(std::string_view& text, char separator) {
  int depth = 0;
  std::size_t at = 0;
  for (; at < text.size() && (depth > 0 || text[at] != separator); ++at)
    depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
  const auto taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return trim(taken);
}

bool is_name(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](unsigned char letter) {
    return std::isalnum(letter) != 0 || more.find(static_cast<char>(letter)) != more.npos;
  });
}

bool is_key(std::string_view text) {
  return !text.empty() && is_name(text, "-_./");
}

bool is_value(std::string_view text) {
  return is_name(text, "-_.");
}

/// "in (a, b)": the values, or none where it is something else.
bool take_values(std::string_view text, std::string_view word, std::set<std::string>& values) {
  if (!text.starts_with(word)) return false;
  text = trim(text.substr(word.size()));
  if (!text.starts_with('(') || !text.ends_with(')')) return false;
  text = text.substr(1, text.size() - 2);
  do
    values.emplace(take_until(text, ','));
  while (!text.empty());
  return true;
}

}  // namespace

Result<LabelSelector::Requirement> LabelSelector::parse_requirement(std::string_view text) {
  const Error refusal(fmt::format(
      "\"{}\" is no label requirement: write it as key=value, key!=value, key in (a,b), "
      "key notin (a,b), key or !key",
      text));
  Requirement requirement;
  std::string_view rest;
  if (text.starts_with('!')) {
    requirement.key = trim(text.substr(1));
    requirement.wanted = false;
    requirement.any_value = true;
  } else {
    const auto end = std::min(text.find_first_of(" =!"), text.size());
    requirement.key = text.substr(0, end);
    rest = trim(text.substr(end));
    requirement.any_value = rest.empty();
  }
  if (!is_key(requirement.key)) return refusal;
  if (requirement.any_value) return requirement;
  if (take_values(rest, "notin", requirement.values)) {
    requirement.wanted = false;
  } else if (!take_values(rest, "in", requirement.values)) {
    requirement.wanted = !rest.starts_with('!');
    const auto sign = rest.starts_with("==") || rest.starts_with("!=") ? 2U : 1U;
    if (!rest.substr(sign - 1).starts_with('=')) return refusal;
    requirement.values.emplace(trim(rest.substr(sign)));
  }
  if (!std::ranges::all_of(requirement.values, is_value)) return refusal;
  return requirement;
}

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  text = trim(text);
  if (text.ends_with(',')) return Error(fmt::format("\"{}\": a requirement is missing", text));
  while (!text.empty()) {
    auto requirement = parse_requirement(take_until(text, ','));
    if (!requirement) return std::move(requirement).error();
    selector.requirements_.push_back(*std::move(requirement));
  }
  return selector;
}

bool LabelSelector::matches(const std::map<std::string, std::string>& labels) const {
  return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
    const auto found = labels.find(requirement.key);
    const bool holds = found != labels.end() &&
                       (requirement.any_value || requirement.values.contains(found->second));
    return holds == requirement.wanted;
  });
}

}  // namespace caprock
