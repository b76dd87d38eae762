// SPDX-License-Identifier: Apache-2.0
#include "store/segment_writer.hpp"

#include <cstring>

#include "store/segment_layout.hpp"
#include "store/stream_copy.hpp"

namespace caprock::store {
namespace {

/// A remainder of 8 bytes could not be a block, so at least this much free space stays behind the
/// foot.
constexpr std::uint64_t kMinFreeSpaceBytes = 16;

constexpr std::size_t kFrontierOffset = kSegmentHeadOffset + offsetof(SegmentHead, frontier);

}  // namespace

SegmentWriter::SegmentWriter(MutableBytes segment, Bytes opening, std::size_t interfaces,
                             std::uint64_t sequence, std::int64_t created_ns)
    : segment_(segment),
      first_run_(opening.size()),
      frontier_(first_run_),
      revealed_(first_run_),
      write_(first_run_),
      limit_(segment.size() - close_bytes(interfaces) - kMinFreeSpaceBytes) {
  write_opening(segment, opening, sequence, created_ns);
}

std::uint64_t SegmentWriter::room() const {
  const std::uint64_t used = frontier_ + sizeof(RunHead);
  return used < limit_ ? limit_ - used : 0;
}

void SegmentWriter::begin_run(const RunHead& head) {
  // Free space may stand at the frontier: its first word hides the run until the next reveal.
  const std::size_t hidden = frontier_ == revealed_ ? sizeof(std::uint64_t) : 0;
  const auto* from = reinterpret_cast<const std::byte*>(&head);
  std::memcpy(segment_.data() + frontier_ + hidden, from + hidden, sizeof head - hidden);
  write_ = frontier_ + sizeof head;
}

void SegmentWriter::copy(Bytes blocks) {
  stream_copy(segment_.data() + write_, blocks);
  write_ += blocks.size();
}

void SegmentWriter::commit_run() {
  frontier_ = write_;
  store_fence();
  publish_word(segment_.data() + kFrontierOffset, frontier_);
}

bool SegmentWriter::add_interfaces(std::size_t count, std::uint64_t bytes) {
  const std::uint64_t statistics = close_bytes(count) - close_bytes(0);
  if (room() < bytes + statistics) return false;
  limit_ -= statistics;
  return true;
}

void SegmentWriter::reveal() {
  if (frontier_ == revealed_) return;
  write_free_space(segment_, frontier_);
  publish_word(segment_.data() + revealed_, block_word(kRunHeadType, sizeof(RunHead)));
  revealed_ = frontier_;
}

}  // namespace caprock::store
