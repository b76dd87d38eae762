// SPDX-License-Identifier: Apache-2.0
// A run's blocks, read part by part into memory of the reader's own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "pcapng/reader.hpp"
#include "store/part_memory.hpp"
#include "store/ring_view.hpp"
#include "store/segment_view.hpp"

namespace caprock::store {

/// Where a part was read, and the segment was still in its use then, nothing can change or take
/// away its bytes any more: what is read is checked once. The view must outlive it.
class RunReader {
 public:
  RunReader(const RingView& view, const SegmentInfo& segment)
      : view_(view), index_(segment.index), sequence_(segment.sequence) {}

  /// On to the first block of another run.
  void enter(const Run& run);

  /// The next block, valid until the next but one call of release(); nothing at the end of the run,
  /// at a fault, and when the segment is lost.
  std::optional<pcapng::Block> next();

  /// What has been read of the run behind the last block.
  Bytes rest() const {
    if (lost_ || blocks_.fault()) return {};
    return parts_[current_].blocks().subspan(blocks_.offset());
  }

  /// Passes over so many bytes of it, which are whole blocks.
  void skip(std::size_t bytes) { blocks_.skip(bytes); }

  /// Blocks returned before the last part was read are not needed any more.
  void release() { held_ = current_; }

  /// The blocks returned since are in another part than those before.
  bool read_since_release() const { return current_ != held_; }

  /// The first place, in the segment, where a block could not be read.
  const std::optional<pcapng::Fault>& fault() const { return fault_; }

  /// The segment was reused or cannot be read: there is no more of it.
  bool lost() const { return lost_; }

 private:
  struct Part {
    PartMemory memory;
    std::uint64_t begin = 0;  // in the segment
    std::uint64_t end = 0;

    MutableBytes blocks() const { return memory.bytes().first(end - begin); }
  };

  bool read_part(std::uint64_t begin, std::size_t bytes);
  bool read_on();

  const RingView& view_;
  std::uint64_t index_;
  std::uint64_t sequence_;
  Run run_;
  std::array<Part, 2> parts_;  // the one of the blocks returned last, and the one read behind it
  std::size_t current_ = 0;
  std::size_t held_ = 0;
  pcapng::BlockCursor blocks_{Bytes()};
  std::optional<pcapng::Fault> fault_;
  bool lost_ = false;
};

}  // namespace caprock::store
