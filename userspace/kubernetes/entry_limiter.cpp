// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/entry_limiter.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

bool is_limited(EntryType type) {
  return type > EntryType::kNamespace;
}

}  // namespace

void EntryLimiter::enter_second(std::int64_t wall_ns) {
  const std::int64_t second = wall_ns / kSecondNs;
  if (second == second_) return;
  second_ = second;
  in_second_ = {};
}

bool EntryLimiter::admit(EntryType type, std::int64_t wall_ns) {
  enter_second(wall_ns);
  const auto index = static_cast<std::size_t>(type);
  const bool passes = room_ && (!is_limited(type) || in_second_[index] < kMostPerSecond);
  if (passes) {
    ++in_second_[index];
    ++counts_[index].recorded;
  } else {
    ++counts_[index].suppressed;
    untold_ = true;
  }
  return passes;
}

std::vector<std::pair<EntryType, std::uint64_t>> EntryLimiter::take_untold(std::int64_t wall_ns) {
  std::vector<std::pair<EntryType, std::uint64_t>> untold;
  if (!untold_ || !room_ || wall_ns / kSecondNs == second_) return untold;
  for (std::size_t index = 0; index < kEntryTypes; ++index) {
    const std::uint64_t suppressed = counts_[index].suppressed;
    const std::uint64_t more = suppressed - std::exchange(told_[index], suppressed);
    if (more != 0) untold.emplace_back(static_cast<EntryType>(index), more);
  }
  untold_ = false;
  return untold;
}

}  // namespace caprock::kubernetes
