// SPDX-License-Identifier: Apache-2.0
// How far a ring may have been recycled, on disk before it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "core/fd.hpp"
#include "core/result.hpp"

namespace caprock::store {

/// In rings of no more segments there is no mark: recovery looks at all of them.
inline constexpr std::uint64_t kMaxUnmarkedSegments = 64;

/// A small file beside the ring. A blank head becomes durable with the next sync, which a slow disk
/// takes its time for, and any number of segments are recycled meanwhile: after a power cut the old
/// heads of just these may lie over new blocks. One thread.
class RecycleMark {
 public:
  /// The segments that were sealed before it (SegmentFoot.sealed_at) may have been recycled. 0:
  /// nothing is known of the ring.
  static std::uint64_t read(const std::filesystem::path& ring, std::uint64_t ring_id);
  static void remove(const std::filesystem::path& ring);

  /// Makes the file where it is missing; it is changed by write() alone.
  static Result<RecycleMark> open(const std::filesystem::path& ring, std::uint64_t ring_id);

  /// Durable when it returns. Waits for the disk, but not for what a sync of the ring has to write.
  Status write(std::uint64_t sealed_before) const;

 private:
  RecycleMark(Fd fd, std::uint64_t ring_id) : fd_(std::move(fd)), ring_id_(ring_id) {}

  Fd fd_;
  std::uint64_t ring_id_;
};

}  // namespace caprock::store
