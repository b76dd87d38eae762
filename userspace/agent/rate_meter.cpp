// SPDX-License-Identifier: Apache-2.0
#include "agent/rate_meter.hpp"

#include <algorithm>

namespace caprock::agent {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kRateWindowNs = 10 * kSecondNs;
constexpr std::int64_t kKeptNs = 60 * kSecondNs;

}  // namespace

void RateMeter::add(const RateSample& sample) {
  samples_.push_back(sample);
  // The oldest one kept is the last from before the minute, so that the minute is always covered.
  while (samples_.size() > 2 && samples_[1].time_ns <= sample.time_ns - kKeptNs)
    samples_.pop_front();
}

api::Rates RateMeter::rates() const {
  if (samples_.size() < 2) return {};
  const RateSample& last = samples_.back();
  const auto is_inside = [&](const RateSample& sample) {
    return sample.time_ns >= last.time_ns - kRateWindowNs;
  };
  const RateSample& first = *std::find_if(samples_.begin(), samples_.end(), is_inside);
  const double seconds = static_cast<double>(last.time_ns - first.time_ns) / kSecondNs;
  if (seconds <= 0) return {};
  const auto per_second = [seconds](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from) / seconds;
  };
  return {per_second(first.packets, last.packets), per_second(first.bytes, last.bytes),
          per_second(first.lost, last.lost)};
}

std::uint64_t RateMeter::lost_in_last_minute() const {
  return samples_.empty() ? 0 : samples_.back().lost - samples_.front().lost;
}

}  // namespace caprock::agent
