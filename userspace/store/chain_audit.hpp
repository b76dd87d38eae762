// SPDX-License-Identifier: Apache-2.0
// Which segments the feet of others tell of, and are not there.
#pragma once

#include <cstdint>
#include <vector>

namespace caprock::store {

/// A segment that holds a record, as its lane's chain knows it.
struct ChainLink {
  std::uint64_t index = 0;
  std::uint64_t sequence = 0;
  std::uint32_t lane = 0;
  std::uint64_t previous_sequence = 0;  // of its foot; 0: it has none, or is its lane's first
};

/// A segment that a foot names, that stands nowhere.
struct MissingSegment {
  std::uint64_t index = 0;     // where it most likely stood
  std::uint64_t sequence = 0;  // its own
  std::uint64_t follower = 0;  // the sequence of the one whose foot names it
};

/// `links`: of a file of so many segments; `zeroed`: those that are zeros, by place. A gap in the
/// middle of a chain is no damage by itself: a pin makes one, and so do a smaller storageSize, a
/// truncation under the recorder and a power cut. But all of them leave something else in the
/// segment's place, or blank: zeros never come to stand there by themselves. So there are at most
/// as many missing as zeroed ones, by sequence.
std::vector<MissingSegment> find_missing(const std::vector<ChainLink>& links,
                                         const std::vector<std::uint64_t>& zeroed,
                                         std::uint64_t segment_count);

}  // namespace caprock::store
