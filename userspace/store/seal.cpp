// SPDX-License-Identifier: Apache-2.0
#include "store/seal.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/clock.hpp"
#include "pcapng/reader.hpp"
#include "pcapng/writer.hpp"
#include "store/crc32c.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

struct InterfaceFigures {
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;
};

/// What the blocks of a segment add up to.
class Figures {
 public:
  void count(const pcapng::Block& block) {
    if (block.type == pcapng::kInterfaceDescription) interfaces_.emplace_back();
    if (const auto packet = pcapng::as_packet(block)) count_packet(*packet);
  }

  const std::vector<InterfaceFigures>& interfaces() const { return interfaces_; }

  SegmentFoot foot(std::uint64_t sequence, const LaneTotals& before) const {
    SegmentFoot foot = foot_;
    foot.type = kSegmentFootType;
    foot.total_bytes = foot.trailer_total = sizeof foot;
    foot.sequence = sequence;
    foot.cumulative_packets = before.packets + foot.packets;
    foot.cumulative_captured_bytes = before.captured_bytes + foot.captured_bytes;
    foot.cumulative_dropped = before.dropped + foot.dropped;
    foot.previous_sequence = before.sequence;
    return foot;
  }

 private:
  void count_packet(const pcapng::PacketView& packet) {
    const auto time_ns = static_cast<std::int64_t>(packet.time);
    const std::uint64_t dropped = packet.dropped();
    foot_.first_ns = foot_.packets == 0 ? time_ns : std::min(foot_.first_ns, time_ns);
    foot_.last_ns = std::max(foot_.last_ns, time_ns);
    foot_.packets += 1;
    foot_.captured_bytes += packet.captured.size();
    foot_.original_bytes += packet.original_bytes;
    foot_.dropped += dropped;
    if (packet.interface_id >= interfaces_.size()) return;
    interfaces_[packet.interface_id].packets += 1;
    interfaces_[packet.interface_id].dropped += dropped;
  }

  SegmentFoot foot_{};
  std::vector<InterfaceFigures> interfaces_;
};

/// Checksums the segment a stretch ahead of the walk, so that the walk finds the lines in the
/// cache.
class RunningChecksum {
 public:
  explicit RunningChecksum(Bytes segment)
      : segment_(segment),
        crc_(crc32c(segment.first(kSegmentHeadOffset + offsetof(SegmentHead, frontier)))) {}

  void reach(std::uint64_t offset, std::uint64_t end) {
    if (offset >= done_) advance_to(std::min(offset + kStretchBytes, end));
  }

  std::uint32_t finish(std::uint64_t end) {
    advance_to(end);
    return crc_;
  }

 private:
  static constexpr std::uint64_t kStretchBytes = 128 << 10;

  void advance_to(std::uint64_t end) {
    crc_ = crc32c(segment_.subspan(done_, end - done_), crc_);
    done_ = end;
  }

  Bytes segment_;
  std::uint64_t done_ = kInterfacesOffset;
  std::uint32_t crc_;
};

/// ISBs and foot, as they come to stand at `frontier`.
std::vector<std::byte> build_close(const Figures& figures, const SegmentFoot& foot) {
  std::vector<std::byte> bytes;
  pcapng::Writer writer(bytes);
  const std::int64_t now_ns = wall_ns();
  for (std::uint32_t id = 0; id < figures.interfaces().size(); ++id) {
    const InterfaceFigures& interface = figures.interfaces()[id];
    writer.interface_statistics({.interface_id = id,
                                 .time_ns = now_ns,
                                 .received = interface.packets + interface.dropped,
                                 .dropped = interface.dropped});
  }
  const auto foot_bytes = std::as_bytes(std::span(&foot, 1));
  bytes.insert(bytes.end(), foot_bytes.begin(), foot_bytes.end());
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

SegmentFoot seal_segment(MutableBytes segment, const LaneTotals& before) {
  SegmentHead& head = head_of(segment);
  const std::uint64_t frontier = head.frontier;
  Figures figures;
  RunningChecksum checksum(segment);
  pcapng::BlockCursor cursor(segment.first(frontier), kInterfacesOffset);
  checksum.reach(kInterfacesOffset, frontier);
  while (const auto block = cursor.next()) {
    figures.count(*block);
    checksum.reach(cursor.offset(), frontier);
  }
  const SegmentFoot foot = figures.foot(head.sequence, before);
  const std::vector<std::byte> close = build_close(figures, foot);
  write_close(segment, frontier, close);
  const std::uint64_t foot_offset = frontier + close.size() - sizeof foot;
  const std::uint64_t crc_offset = foot_offset + offsetof(SegmentFoot, crc32c);
  put(segment, crc_offset, checksum.finish(crc_offset));
  publish_word(reinterpret_cast<std::byte*>(&head.foot), foot_offset);
  return foot;
}

RecordSpan record_span(const SegmentHead& head, const SegmentFoot& foot) {
  if (foot.packets != 0) return {foot.first_ns, foot.last_ns};
  return {head.created_ns, head.created_ns};
}

}  // namespace caprock::store
