// SPDX-License-Identifier: Apache-2.0
#include "store/seal.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/clock.hpp"
#include "pcapng/writer.hpp"
#include "store/crc32c.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

SegmentFoot make_foot(const SegmentTally& tally, std::uint64_t sequence, const LaneTotals& before,
                      std::uint64_t sealed_at) {
  SegmentFoot foot = tally.figures();
  foot.type = kSegmentFootType;
  foot.total_bytes = foot.trailer_total = sizeof foot;
  foot.sequence = sequence;
  foot.cumulative_packets = before.packets + foot.packets;
  foot.cumulative_captured_bytes = before.captured_bytes + foot.captured_bytes;
  foot.cumulative_dropped = before.dropped + foot.dropped;
  foot.previous_sequence = before.sequence;
  foot.sealed_at = sealed_at;
  return foot;
}

/// ISBs and foot, as they come to stand at `frontier`.
std::vector<std::byte> build_close(const SegmentTally& tally, const SegmentFoot& foot) {
  std::vector<std::byte> bytes;
  pcapng::Writer writer(bytes);
  const std::int64_t now_ns = wall_ns();
  for (std::uint32_t id = 0; id < tally.interfaces().size(); ++id) {
    const auto& [packets, dropped] = tally.interfaces()[id];
    writer.interface_statistics(
        {.interface_id = id, .time_ns = now_ns, .received = packets + dropped, .dropped = dropped});
  }
  const auto foot_bytes = std::as_bytes(std::span(&foot, 1));
  bytes.insert(bytes.end(), foot_bytes.begin(), foot_bytes.end());
  const std::size_t crc_offset = bytes.size() - sizeof foot + offsetof(SegmentFoot, crc32c);
  put(bytes, crc_offset, crc32c(Bytes(bytes).first(crc_offset), tally.crc32c()));
  return bytes;
}

/// The free-space block in front is what readers see until the last store.
void write_close(MutableBytes segment, std::uint64_t at, Bytes close) {
  std::memcpy(segment.data() + at + sizeof(std::uint64_t), close.data() + sizeof(std::uint64_t),
              close.size() - sizeof(std::uint64_t));
  write_free_space(segment, at + close.size());
  publish_word(segment.data() + at, load<std::uint64_t>(close));
}

}  // namespace

LaneTotals LaneTotals::after(const SegmentFoot& foot) {
  return {foot.cumulative_packets, foot.cumulative_captured_bytes, foot.cumulative_dropped,
          foot.sequence};
}

SegmentFoot seal_segment(MutableBytes segment, const SegmentTally& tally, const LaneTotals& before,
                         std::uint64_t sealed_at) {
  SegmentHead& head = head_of(segment);
  const std::uint64_t frontier = head.frontier;
  const SegmentFoot foot = make_foot(tally, head.sequence, before, sealed_at);
  const std::vector<std::byte> close = build_close(tally, foot);
  write_close(segment, frontier, close);
  publish_word(reinterpret_cast<std::byte*>(&head.foot), frontier + close.size() - sizeof foot);
  return foot;
}

RecordSpan record_span(const SegmentHead& head, const SegmentFoot& foot) {
  if (foot.last_ns != 0) return {foot.first_ns, foot.last_ns};
  return {head.created_ns, head.created_ns};
}

}  // namespace caprock::store
