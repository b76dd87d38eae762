// SPDX-License-Identifier: Apache-2.0
#include "store/boot_clocks.hpp"

namespace caprock::store {

void BootClocks::learn(const std::vector<SegmentInfo>& segments) {
  std::map<BootId, Clock> found;
  for (const SegmentInfo& segment : segments) {
    const Clock clock{segment.clock_generation, segment.wall_offset_ns};
    const auto [known, is_new] = found.emplace(segment.boot_id, clock);
    if (!is_new && known->second.generation <= clock.generation) known->second = clock;
  }
  clocks_.merge(found);
}

std::int64_t BootClocks::shift_of(const SegmentInfo& segment) const {
  const auto clock = clocks_.find(segment.boot_id);
  if (segment.boot_id == BootId{} || clock == clocks_.end()) return 0;
  return clock->second.wall_offset_ns - segment.wall_offset_ns;
}

std::int64_t shifted(std::int64_t time_ns, std::int64_t by_ns) {
  std::int64_t sum = 0;
  if (time_ns == INT64_MAX || time_ns == INT64_MIN) return time_ns;
  if (__builtin_add_overflow(time_ns, by_ns, &sum)) return by_ns > 0 ? INT64_MAX : INT64_MIN;
  return sum;
}

}  // namespace caprock::store
