// SPDX-License-Identifier: Apache-2.0
// Means over the last seconds from counters that only grow.
#pragma once

#include <cstdint>
#include <deque>

#include "api/status.hpp"

namespace caprock::agent {

/// Totals at one moment.
struct RateSample {
  std::int64_t time_ns = 0;  // monotonic
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;
};

/// Fed once a second by the control plane; keeps a minute.
class RateMeter {
 public:
  void add(const RateSample& sample);

  /// Over the last ten seconds, or since the first sample.
  api::Rates rates() const;

  std::uint64_t lost_in_last_minute() const;

 private:
  std::deque<RateSample> samples_;
};

}  // namespace caprock::agent
