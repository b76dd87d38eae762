// SPDX-License-Identifier: Apache-2.0
// What is in a file that is to be opened as a ring: whose it is, and what every segment says of
// itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/result.hpp"
#include "store/format.hpp"

namespace caprock::store {

struct RingIdentity {
  std::uint64_t ring_id = 0;
  std::uint64_t segment_bytes = 0;
};

/// Whose file it is; nothing if it is empty, or a ring in which nothing was recorded yet. An error
/// says what it is instead.
Result<std::optional<RingIdentity>> identify_ring(int fd, const std::filesystem::path& path);

enum class FoundState {
  kUnused,      // blank
  kSealed,      // head and foot are right; the bytes between were not looked at
  kOpen,        // a head that is right, and no foot to go with it
  kDamaged,     // neither blank nor a head of this ring
  kUnreadable,  // the disk fails
};

struct FoundSegment {
  std::uint32_t index = 0;
  FoundState state = FoundState::kUnused;
  SegmentHead head{};
  SegmentFoot foot{};  // of a sealed one
};

/// Every segment of which the file has the beginning, by place. Reads heads and feet alone, many at
/// a time.
std::vector<FoundSegment> scan_segments(int fd, const RingIdentity& identity);

}  // namespace caprock::store
