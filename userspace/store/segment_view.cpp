// SPDX-License-Identifier: Apache-2.0
#include "store/segment_view.hpp"

#include <atomic>

#include "pcapng/reader.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

std::uint64_t observe_field(Bytes segment, std::size_t field) {
  return observe_word(segment.data() + kSegmentHeadOffset + field);
}

bool has_section_header(Bytes segment) {
  pcapng::BlockCursor cursor(segment.first(kSectionHeaderBytes));
  const auto block = cursor.next();
  return block && pcapng::as_section_header(*block) && cursor.offset() == kSectionHeaderBytes;
}

}  // namespace

bool is_unused(Bytes segment) {
  const auto behind_section_header = load<pcapng::BlockHead>(segment, kSegmentHeadOffset);
  const auto section = load<pcapng::BlockHead>(segment);
  return is_zero(segment) ||
         (section.type == pcapng::kSectionHeader && behind_section_header.type == kFreeSpaceType);
}

bool is_zero(Bytes segment) {
  return load<pcapng::BlockHead>(segment).type == 0 &&
         load<pcapng::BlockHead>(segment, kSegmentHeadOffset).type == 0;
}

Result<SegmentHead> read_head(Bytes segment) {
  if (!has_section_header(segment)) return Error("no section header stands at its start");
  const auto head = load<SegmentHead>(segment, kSegmentHeadOffset);
  if (head.type != kSegmentHeadType || head.total_bytes != sizeof head ||
      head.trailer_total != sizeof head) {
    return Error("its section header is not followed by a segment head");
  }
  if (head.format_version != kFormatVersion) {
    return Error("it is of a format version this caprock does not know");
  }
  if (fixed_checksum(head) != head.fixed_crc32c) {
    return Error("the checksum of its head is wrong");
  }
  if (head.segment_bytes != segment.size()) return Error("its head tells of another segment size");
  return head;
}

bool is_in_use(Bytes segment, std::uint64_t sequence) {
  std::atomic_thread_fence(std::memory_order_acquire);
  return observe_field(segment, 0) == block_word(kSegmentHeadType, sizeof(SegmentHead)) &&
         observe_field(segment, offsetof(SegmentHead, sequence)) == sequence;
}

std::uint64_t frontier(Bytes segment) {
  const std::uint64_t offset = observe_field(segment, offsetof(SegmentHead, frontier));
  const bool possible = offset >= kInterfacesOffset && offset <= segment.size() &&
                        offset % pcapng::kOurAlignment == 0;
  return possible ? offset : 0;
}

std::uint64_t foot_offset(Bytes segment) {
  return observe_field(segment, offsetof(SegmentHead, foot));
}

std::optional<SegmentFoot> read_foot(Bytes segment, std::uint64_t sequence) {
  const std::uint64_t offset = foot_offset(segment);
  if (offset < kInterfacesOffset || offset > segment.size() - sizeof(SegmentFoot))
    return std::nullopt;
  const auto foot = load<SegmentFoot>(segment, offset);
  const bool whole = foot.type == kSegmentFootType && foot.total_bytes == sizeof foot &&
                     foot.trailer_total == sizeof foot && foot.sequence == sequence;
  return whole ? std::optional(foot) : std::nullopt;
}

std::uint64_t first_run_offset(Bytes segment, std::uint64_t end) {
  pcapng::BlockCursor cursor(segment.first(end), kInterfacesOffset);
  std::uint64_t offset = cursor.offset();
  for (auto block = cursor.next(); block && block->type == pcapng::kInterfaceDescription;
       block = cursor.next()) {
    offset = cursor.offset();
  }
  return offset;
}

std::optional<Run> RunCursor::next() {
  if (damaged_ || offset_ >= end_) return std::nullopt;
  damaged_ = true;
  if (offset_ % pcapng::kOurAlignment != 0 || end_ - offset_ < sizeof(RunHead)) return std::nullopt;
  if (!holds_run_head(segment_, offset_)) return std::nullopt;
  const auto head = load<RunHead>(segment_, offset_);
  const std::uint64_t begin = offset_ + sizeof head;
  if (head.trailer_total != sizeof head || head.bytes > end_ - begin) return std::nullopt;
  damaged_ = false;
  const Run run{.source = {SourceKind{head.source_kind}, head.source_index, head.source_instance},
                .position = head.position,
                .end_position = head.end_position,
                .first_ns = head.first_ns,
                .offset = offset_,
                .begin = begin,
                .end = begin + head.bytes};
  offset_ = run.end;
  return run;
}

}  // namespace caprock::store
