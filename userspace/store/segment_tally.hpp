// SPDX-License-Identifier: Apache-2.0
// What the blocks of a segment add up to, and their checksum, taken while they pass by: a second
// look at a segment that has left the processor's caches costs more than writing it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/byte_span.hpp"
#include "store/format.hpp"

namespace caprock::store {

/// Fed with a segment's bytes in the order of the file. One thread at a time.
class SegmentTally {
 public:
  struct Interface {
    std::uint64_t packets = 0;
    std::uint64_t dropped = 0;
  };

  /// Begins with the fixed part of the segment, in front of the frontier field; the head is
  /// written.
  explicit SegmentTally(Bytes segment);

  /// The next whole blocks, from the IDBs (kInterfacesOffset) on.
  void add(Bytes blocks);

  /// Checksum of everything so far.
  std::uint32_t crc32c() const { return crc_; }

  /// By interface id, as many as there were IDBs.
  const std::vector<Interface>& interfaces() const { return interfaces_; }

  /// A foot with this segment's figures; cumulative ones and the checksum are the caller's.
  const SegmentFoot& figures() const { return figures_; }

 private:
  std::size_t count_to(Bytes blocks, std::size_t at, std::size_t end);
  void count(Bytes block, std::uint32_t type);
  void count_packet(Bytes block);
  void count_time(std::int64_t time_ns);

  std::uint32_t crc_;
  SegmentFoot figures_{};
  std::vector<Interface> interfaces_;
};

/// The tally of a segment's blocks up to its frontier, of one that no tally was kept for
/// (recovery).
SegmentTally tally_of(Bytes segment, std::uint64_t frontier);

}  // namespace caprock::store
