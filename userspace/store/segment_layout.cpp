// SPDX-License-Identifier: Apache-2.0
#include "store/segment_layout.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "pcapng/writer.hpp"
#include "store/crc32c.hpp"
#include "store/segment_file.hpp"

namespace caprock::store {
namespace {

constexpr std::string_view kApplication = "caprock";
constexpr std::uint64_t kFreeSpaceBlocks = 8;  // of a whole segment
/// What of a free-space block lies in the page of the next one's head.
constexpr std::uint64_t kFreeSpaceOverlap = 16;
/// A remainder of 8 bytes could not be a block, so at least this much free space stays behind the
/// foot.
constexpr std::uint64_t kMinFreeSpaceBytes = 16;

constexpr std::size_t kStatisticsBytes = 48;  // an ISB with isb_ifrecv and isb_ifdrop
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxDescriptionBytes = 256;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::atomic_ref<std::uint64_t> word_at(std::byte* at) {
  return std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(at));
}

void append_interfaces(std::vector<std::byte>& out, const InterfaceList& interfaces,
                       bool described) {
  for (const InterfaceRecord& record : interfaces)
    write_interface(out, record, described);
}

std::vector<std::byte> build_section_header() {
  pcapng::SectionHeader header;
  header.user_application = kApplication;
  std::vector<std::byte> bytes;
  pcapng::Writer(bytes).section_header(header);
  return bytes;
}

SegmentHead make_head(const SegmentIdentity& identity) {
  SegmentHead head{};
  head.type = kSegmentHeadType;
  head.total_bytes = head.trailer_total = sizeof head;
  head.format_version = kFormatVersion;
  head.lane = identity.lane;
  head.ring_id = identity.ring_id;
  std::copy(identity.boot_id.begin(), identity.boot_id.end(), head.boot_id);
  head.segment_bytes = identity.segment_bytes;
  head.clock_generation = identity.clock_generation;
  head.wall_offset_ns = identity.wall_offset_ns;
  identity.node.copy(head.node, sizeof head.node - 1);
  return head;
}

/// Word by word: the flusher may still look at the head for the segment's use before.
void write_hidden_head(MutableBytes segment, const SegmentHead& head) {
  const Bytes words = std::as_bytes(std::span(&head, 1));
  for (std::size_t at = sizeof(std::uint64_t); at < words.size(); at += sizeof(std::uint64_t)) {
    word_at(segment.data() + kSegmentHeadOffset + at)
        .store(load<std::uint64_t>(words, at), std::memory_order_relaxed);
  }
}

}  // namespace

BootId parse_boot_id(std::string_view text) {
  BootId id{};
  std::size_t digits = 0;
  for (const char c : text) {
    const int value = hex_digit(c);
    if (value < 0) continue;
    if (digits == 2 * id.size()) return {};
    id[digits / 2] = static_cast<std::uint8_t>(id[digits / 2] << 4 | value);
    ++digits;
  }
  return digits == 2 * id.size() ? id : BootId{};
}

std::uint64_t block_word(std::uint32_t type, std::uint64_t total_bytes) {
  return std::bit_cast<std::uint64_t>(
      pcapng::BlockHead{type, static_cast<std::uint32_t>(total_bytes)});
}

void publish_word(std::byte* at, std::uint64_t word) {
  word_at(at).store(word, std::memory_order_release);
}

std::uint64_t observe_word(const std::byte* at) {
  return word_at(const_cast<std::byte*>(at)).load(std::memory_order_acquire);
}

bool holds_run_head(Bytes segment, std::uint64_t offset) {
  const std::uint64_t word = observe_word(segment.data() + offset);
  if (word == block_word(kRunHeadType, sizeof(RunHead))) return true;
  const auto head = std::bit_cast<pcapng::BlockHead>(word);
  const std::uint64_t end = offset + head.total_bytes;
  return head.type == kFreeSpaceType &&
         (end == segment.size() || end % (segment.size() / kFreeSpaceBlocks) == kFreeSpaceOverlap);
}

void write_interface(std::vector<std::byte>& out, const InterfaceRecord& record, bool described) {
  const std::string_view description = described ? record.description : std::string_view();
  pcapng::Writer(out).interface_description(
      {.name = std::string_view(record.name).substr(0, kMaxNameBytes),
       .description = description.substr(0, kMaxDescriptionBytes),
       .snaplen = kSnaplen});
}

std::vector<std::byte> build_opening(const SegmentIdentity& identity,
                                     const InterfaceList& interfaces) {
  std::vector<std::byte> bytes = build_section_header();
  const SegmentHead head = make_head(identity);
  const auto head_bytes = std::as_bytes(std::span(&head, 1));
  bytes.insert(bytes.end(), head_bytes.begin(), head_bytes.end());
  append_interfaces(bytes, interfaces, true);
  if (bytes.size() > identity.segment_bytes / 4) {
    bytes.resize(kInterfacesOffset);
    append_interfaces(bytes, interfaces, false);
  }
  put(bytes, kSegmentHeadOffset + offsetof(SegmentHead, frontier), std::uint64_t{bytes.size()});
  return bytes;
}

std::vector<std::byte> build_blank(std::uint64_t segment_bytes) {
  std::vector<std::byte> bytes = build_section_header();
  bytes.resize(bytes.size() + sizeof(std::uint64_t));
  put(bytes, kSegmentHeadOffset, block_word(kFreeSpaceType, segment_bytes - kSegmentHeadOffset));
  return bytes;
}

void write_blank(MutableBytes segment) {
  const std::vector<std::byte> blank = build_blank(segment.size());
  publish_word(segment.data() + kSegmentHeadOffset, load<std::uint64_t>(blank, kSegmentHeadOffset));
  std::atomic_thread_fence(std::memory_order_release);  // nobody may see what follows before that
  std::memcpy(segment.data(), blank.data(), kSectionHeaderBytes);
  write_free_space(segment, kSegmentHeadOffset);
}

void write_opening(MutableBytes segment, Bytes opening, std::uint64_t sequence,
                   std::int64_t created_ns) {
  // The section header stands there already, unless the file was truncated and has grown again.
  std::memcpy(segment.data(), opening.data(), kSectionHeaderBytes);
  auto head = load<SegmentHead>(opening, kSegmentHeadOffset);
  head.sequence = sequence;
  head.created_ns = created_ns;
  head.fixed_crc32c = fixed_checksum(head);
  write_hidden_head(segment, head);
  std::memcpy(segment.data() + kInterfacesOffset, opening.data() + kInterfacesOffset,
              opening.size() - kInterfacesOffset);
  publish_word(segment.data() + opening.size(),
               block_word(kFreeSpaceType, segment.size() - opening.size()));
}

void show_opening(MutableBytes segment) {
  publish_word(segment.data() + kSegmentHeadOffset,
               block_word(kSegmentHeadType, sizeof(SegmentHead)));
}

std::uint64_t free_space_end(std::uint64_t segment_bytes, std::uint64_t offset) {
  const std::uint64_t behind_head = round_up(offset + sizeof(std::uint64_t), kPageBytes);
  const std::uint64_t boundary = round_up(behind_head, segment_bytes / kFreeSpaceBlocks);
  return boundary < segment_bytes ? boundary + kFreeSpaceOverlap : segment_bytes;
}

void write_free_space(MutableBytes segment, std::uint64_t offset) {
  const std::uint64_t bytes = segment.size() - offset;
  if (bytes == 0) return;
  publish_word(segment.data() + offset, block_word(kFreeSpaceType, bytes));
  put(segment, segment.size() - sizeof(std::uint32_t), static_cast<std::uint32_t>(bytes));
}

SegmentHead& head_of(MutableBytes segment) {
  return *reinterpret_cast<SegmentHead*>(segment.data() + kSegmentHeadOffset);
}

std::uint32_t fixed_checksum(const SegmentHead& head) {
  constexpr std::size_t kFrom = offsetof(SegmentHead, format_version);
  constexpr std::size_t kTo = offsetof(SegmentHead, fixed_crc32c);
  return crc32c(std::as_bytes(std::span(&head, 1)).subspan(kFrom, kTo - kFrom));
}

std::uint32_t segment_checksum(Bytes segment, std::uint64_t foot) {
  constexpr std::size_t kChanging = kSegmentHeadOffset + offsetof(SegmentHead, frontier);
  const std::uint64_t end = foot + offsetof(SegmentFoot, crc32c);
  return crc32c(segment.subspan(kInterfacesOffset, end - kInterfacesOffset),
                crc32c(segment.first(kChanging)));
}

std::uint64_t close_bytes(std::size_t interfaces) {
  return interfaces * kStatisticsBytes + sizeof(SegmentFoot);
}

std::uint64_t run_limit(std::uint64_t segment_bytes, std::size_t interfaces) {
  return segment_bytes - close_bytes(interfaces) - kMinFreeSpaceBytes;
}

}  // namespace caprock::store
