// SPDX-License-Identifier: Apache-2.0
// Rings made by hand for the tests of their readers, straight from store/format.hpp and not by the
// store's own writer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_span.hpp"
#include "core/interface_list.hpp"
#include "core/packet_batch.hpp"
#include "pcapng/writer.hpp"
#include "store/crc32c.hpp"
#include "store/format.hpp"

namespace caprock::test {

struct TestPacket {
  std::int64_t time_ns = 0;
  std::string payload;  // behind an Ethernet header
  std::uint32_t interface_id = 0;
  std::uint64_t dropped = 0;
};

/// An Ethernet frame of a private EtherType that carries the text.
inline std::vector<std::byte> frame(std::string_view payload) {
  constexpr std::string_view kHeader("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xB5",
                                     14);
  const std::string text = std::string(kHeader) + std::string(payload);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// An Ethernet frame with an IPv4 UDP packet to that port, checksums left at 0.
inline std::vector<std::byte> udp_frame(std::uint16_t port, std::string_view payload) {
  std::vector<std::byte> bytes(42);
  const auto put8 = [&](std::size_t at, unsigned value) {
    bytes[at] = static_cast<std::byte>(value);
  };
  const auto put16 = [&](std::size_t at, std::size_t value) {
    put8(at, static_cast<unsigned>(value >> 8));
    put8(at + 1, static_cast<unsigned>(value & 0xFF));
  };
  put16(12, 0x0800);
  put8(14, 0x45);
  put16(16, 28 + payload.size());
  put8(22, 64);
  put8(23, 17);
  put8(26, 10), put8(29, 1), put8(30, 10), put8(33, 2);
  put16(34, 40000);
  put16(36, port);
  put16(38, 8 + payload.size());
  const auto text = std::as_bytes(std::span(payload));
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

inline SourceId cpu(std::uint32_t index, std::uint64_t instance = 1) {
  return {SourceKind::kStage, index, instance};
}

/// One segment; runs are committed as they are added, and hidden until reveal() or seal().
class SegmentBuilder {
 public:
  SegmentBuilder(std::uint64_t sequence, std::uint32_t lane, const InterfaceList& interfaces) {
    bytes_.reserve(store::kMinSegmentBytes);
    pcapng::Writer writer(bytes_);
    writer.section_header({.user_application = "caprock"});
    head_.sequence = sequence;
    head_.lane = lane;
    bytes_.resize(store::kInterfacesOffset);
    for (const InterfaceRecord& record : interfaces)
      describe(bytes_, record);
    revealed_ = frontier_ = bytes_.size();
    bytes_.resize(store::kMinSegmentBytes);
    write_free_space(frontier_);
    finish_head();
  }

  /// In boot 1, by a wall clock that was set so.
  SegmentBuilder& clock(std::uint32_t generation, std::int64_t wall_offset_ns) {
    head_.boot_id[0] = 1;
    head_.clock_generation = generation;
    head_.wall_offset_ns = wall_offset_ns;
    finish_head();
    return *this;
  }

  SegmentBuilder& run(SourceId source, const std::vector<TestPacket>& packets) {
    std::vector<std::byte> blocks;
    for (const TestPacket& packet : packets)
      append_packet(blocks, packet, frame(packet.payload));
    return raw_run(source, blocks, packets.empty() ? 0 : packets.front().time_ns);
  }

  /// `blocks` as they are.
  SegmentBuilder& raw_run(SourceId source, Bytes blocks, std::int64_t first_ns) {
    store::RunHead run{};
    run.type = store::kRunHeadType;
    run.total_bytes = run.trailer_total = sizeof run;
    run.source_kind = static_cast<std::uint16_t>(source.kind);
    run.source_index = source.index;
    run.source_instance = source.instance;
    run.bytes = blocks.size();
    run.first_ns = first_ns;
    const std::size_t hidden = frontier_ == revealed_ ? 8 : 0;
    std::memcpy(bytes_.data() + frontier_ + hidden,
                reinterpret_cast<const std::byte*>(&run) + hidden, sizeof run - hidden);
    std::copy(blocks.begin(), blocks.end(),
              bytes_.begin() + static_cast<std::ptrdiff_t>(frontier_ + sizeof run));
    frontier_ += sizeof run + blocks.size();
    finish_head();
    return *this;
  }

  /// An interface that appears while the segment is in use.
  SegmentBuilder& add_interface(const InterfaceRecord& record) {
    std::vector<std::byte> block;
    describe(block, record);
    return raw_run({SourceKind::kControl, 0, 1}, block, 0);
  }

  /// One whose id is there already, blank.
  SegmentBuilder& name_interface(std::uint32_t id, const InterfaceRecord& record) {
    std::vector<std::byte> block(sizeof(store::InterfaceNamingHead));
    describe(block, record);
    block.resize(block.size() + sizeof(store::InterfaceNamingTail));
    const auto total = static_cast<std::uint32_t>(block.size());
    put(block, 0, store::InterfaceNamingHead{store::kInterfaceNamingType, total, id, 0});
    put(block, total - sizeof total, total);
    return raw_run({SourceKind::kControl, 0, 1}, block, 0);
  }

  SegmentBuilder& reveal() {
    if (frontier_ == revealed_) return *this;
    write_free_space(frontier_);
    put(bytes_, revealed_, pcapng::BlockHead{store::kRunHeadType, sizeof(store::RunHead)});
    revealed_ = frontier_;
    return *this;
  }

  /// `foot` brings the figures that a test wants to see in the foot.
  SegmentBuilder& seal(store::SegmentFoot foot, const std::vector<pcapng::Statistics>& statistics) {
    reveal();
    std::vector<std::byte> close;
    pcapng::Writer writer(close);
    for (const pcapng::Statistics& interface : statistics)
      writer.interface_statistics(interface);
    const std::uint64_t foot_offset = frontier_ + close.size();
    foot.type = store::kSegmentFootType;
    foot.total_bytes = foot.trailer_total = sizeof foot;
    foot.sequence = head_.sequence;
    const auto foot_bytes = std::as_bytes(std::span(&foot, 1));
    close.insert(close.end(), foot_bytes.begin(), foot_bytes.end());
    std::ranges::copy(close, bytes_.begin() + static_cast<std::ptrdiff_t>(frontier_));
    write_free_space(foot_offset + sizeof foot);
    head_.foot = foot_offset;
    finish_head();
    write_checksum();
    return *this;
  }

  void write_checksum() {
    const Bytes bytes(bytes_);
    const std::size_t end = head_.foot + offsetof(store::SegmentFoot, crc32c);
    const std::uint32_t crc =
        store::crc32c(bytes.subspan(256, end - 256), store::crc32c(bytes.first(192)));
    put(bytes_, end, crc);
  }

  std::uint64_t frontier() const { return frontier_; }
  std::uint64_t foot() const { return head_.foot; }
  std::vector<std::byte>& bytes() { return bytes_; }
  const std::vector<std::byte>& bytes() const { return bytes_; }

  static void append_packet(std::vector<std::byte>& out, const TestPacket& packet, Bytes captured) {
    pcapng::Writer(out).packet({.interface_id = packet.interface_id,
                                .time_ns = packet.time_ns,
                                .captured = captured,
                                .original_bytes = static_cast<std::uint32_t>(captured.size()),
                                .flags = 1,
                                .dropped = packet.dropped});
  }

 private:
  static void describe(std::vector<std::byte>& out, const InterfaceRecord& record) {
    pcapng::Writer(out).interface_description(
        {.name = record.name, .description = record.description, .snaplen = store::kSnaplen});
  }

  void write_free_space(std::uint64_t offset) {
    const auto size = static_cast<std::uint32_t>(bytes_.size() - offset);
    put(bytes_, offset, pcapng::BlockHead{store::kFreeSpaceType, size});
    put(bytes_, bytes_.size() - sizeof size, size);
  }

  void finish_head() {
    head_.type = store::kSegmentHeadType;
    head_.total_bytes = head_.trailer_total = sizeof head_;
    head_.format_version = store::kFormatVersion;
    head_.ring_id = 77;
    head_.segment_bytes = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(head_.node, "node7", 5);
    head_.frontier = frontier_;
    put(bytes_, store::kSegmentHeadOffset, head_);
    constexpr std::size_t kFrom =
        store::kSegmentHeadOffset + offsetof(store::SegmentHead, format_version);
    constexpr std::size_t kTo =
        store::kSegmentHeadOffset + offsetof(store::SegmentHead, fixed_crc32c);
    head_.fixed_crc32c = store::crc32c(Bytes(bytes_).subspan(kFrom, kTo - kFrom));
    put(bytes_, store::kSegmentHeadOffset, head_);
  }

  std::vector<std::byte> bytes_;
  store::SegmentHead head_{};
  std::uint64_t frontier_ = 0;
  std::uint64_t revealed_ = 0;
};

/// The segments one behind the other.
inline std::vector<std::byte> ring_of(const std::vector<SegmentBuilder>& segments) {
  std::vector<std::byte> file;
  for (const SegmentBuilder& segment : segments) {
    file.insert(file.end(), segment.bytes().begin(), segment.bytes().end());
  }
  return file;
}

/// The foot and statistics that are right for a segment with these packets of interface 0.
inline store::SegmentFoot foot_for(const std::vector<TestPacket>& packets) {
  store::SegmentFoot foot{};
  for (const TestPacket& packet : packets) {
    const std::uint64_t size = frame(packet.payload).size();
    foot.first_ns = foot.packets == 0 ? packet.time_ns : std::min(foot.first_ns, packet.time_ns);
    foot.last_ns = std::max(foot.last_ns, packet.time_ns);
    foot.packets += 1;
    foot.captured_bytes += size;
    foot.original_bytes += size;
    foot.dropped += packet.dropped;
  }
  foot.cumulative_packets = foot.packets;
  foot.cumulative_captured_bytes = foot.captured_bytes;
  foot.cumulative_dropped = foot.dropped;
  return foot;
}

inline std::vector<pcapng::Statistics> statistics_for(const store::SegmentFoot& foot) {
  return {{.interface_id = 0, .received = foot.packets + foot.dropped, .dropped = foot.dropped}};
}

}  // namespace caprock::test
