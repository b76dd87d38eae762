// SPDX-License-Identifier: Apache-2.0
// One time for all of a boot, in which the wall clock may have been set.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "store/ring_view.hpp"

namespace caprock::store {

/// Of each boot the clock as it was set last, when its segments were first seen. What was recorded
/// under another setting is placed by monotonic time, which no step reaches.
class BootClocks {
 public:
  void learn(const std::vector<SegmentInfo>& segments);

  /// What is to be added to a segment's times to have them by that clock.
  std::int64_t shift_of(const SegmentInfo& segment) const;

 private:
  struct Clock {
    std::uint32_t generation;
    std::int64_t wall_offset_ns;
  };

  std::map<BootId, Clock> clocks_;
};

/// Ends of time stay ends of time.
std::int64_t shifted(std::int64_t time_ns, std::int64_t by_ns);

}  // namespace caprock::store
