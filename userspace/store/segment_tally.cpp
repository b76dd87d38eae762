// SPDX-License-Identifier: Apache-2.0
#include "store/segment_tally.hpp"

#include <algorithm>

#include "pcapng/format.hpp"
#include "pcapng/reader.hpp"
#include "store/crc32c.hpp"

namespace caprock::store {
namespace {

/// The checksum runs so far ahead of the count, which then finds the bytes in the first-level
/// cache.
constexpr std::size_t kStretchBytes = 4 << 10;

/// A packet block without epb_dropcount is at most so much longer than its head and its padded
/// packet: epb_flags, end of options, trailing length.
constexpr std::size_t kPlainTailBytes = 16;

}  // namespace

SegmentTally::SegmentTally(Bytes segment)
    : crc_(store::crc32c(segment.first(kSegmentHeadOffset + offsetof(SegmentHead, frontier)))) {}

void SegmentTally::add(Bytes blocks) {
  std::size_t counted = 0;
  for (std::size_t at = 0; at < blocks.size(); at += kStretchBytes) {
    const std::size_t bytes = std::min(kStretchBytes, blocks.size() - at);
    crc_ = store::crc32c(blocks.subspan(at, bytes), crc_);
    counted = count_to(blocks, counted, at + bytes);
  }
}

/// Counts the blocks that start in front of `end`; returns where the next one starts.
std::size_t SegmentTally::count_to(Bytes blocks, std::size_t at, std::size_t end) {
  while (at < end && blocks.size() - at >= pcapng::kMinBlockBytes) {
    const auto head = load<pcapng::BlockHead>(blocks, at);
    if (head.total_bytes < pcapng::kMinBlockBytes || head.total_bytes > blocks.size() - at)
      return blocks.size();
    count(blocks.subspan(at, head.total_bytes), head.type);
    at += head.total_bytes;
  }
  return at;
}

void SegmentTally::count(Bytes block, std::uint32_t type) {
  if (type == pcapng::kEnhancedPacket && block.size() >= sizeof(pcapng::PacketHead))
    return count_packet(block);
  if (type == pcapng::kInterfaceDescription) interfaces_.emplace_back();
  if (type == pcapng::kJournalExport) {
    if (const auto time_ns = pcapng::journal_time_ns({block, type})) count_time(*time_ns);
  }
}

void SegmentTally::count_time(std::int64_t time_ns) {
  figures_.first_ns = figures_.first_ns == 0 ? time_ns : std::min(figures_.first_ns, time_ns);
  figures_.last_ns = std::max(figures_.last_ns, time_ns);
}

void SegmentTally::count_packet(Bytes block) {
  const auto head = load<pcapng::PacketHead>(block);
  count_time(static_cast<std::int64_t>(std::uint64_t{head.time_high} << 32 | head.time_low));
  figures_.packets += 1;
  figures_.captured_bytes += head.captured_bytes;
  figures_.original_bytes += head.original_bytes;
  std::uint64_t dropped = 0;
  if (block.size() > sizeof head + round_up(head.captured_bytes, 4) + kPlainTailBytes) {
    if (const auto packet = pcapng::as_packet({block, head.block.type}))
      dropped = packet->dropped();
  }
  figures_.dropped += dropped;
  if (head.interface_id >= interfaces_.size()) return;
  interfaces_[head.interface_id].packets += 1;
  interfaces_[head.interface_id].dropped += dropped;
}

SegmentTally tally_of(Bytes segment, std::uint64_t frontier) {
  SegmentTally tally(segment);
  tally.add(segment.subspan(kInterfacesOffset, frontier - kInterfacesOffset));
  return tally;
}

}  // namespace caprock::store
