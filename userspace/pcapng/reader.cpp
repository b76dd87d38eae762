// SPDX-License-Identifier: Apache-2.0
#include "pcapng/reader.hpp"

#include <charconv>

namespace caprock::pcapng {
namespace {

constexpr std::size_t kTrailerBytes = sizeof(std::uint32_t);

std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The fixed part of a block, if it is of that type and long enough.
template <class Head>
std::optional<Head> head_of(const Block& block, std::uint32_t type) {
  if (block.type != type || block.bytes.size() < sizeof(Head) + kTrailerBytes) return std::nullopt;
  return load<Head>(block.bytes);
}

/// What stands between `offset` and the trailing length.
Bytes body_from(const Block& block, std::size_t offset) {
  return block.bytes.subspan(offset, block.bytes.size() - kTrailerBytes - offset);
}

bool other_byte_order(Bytes rest) {
  return rest.size() >= sizeof(BlockHead) + sizeof(std::uint32_t) &&
         load<std::uint32_t>(rest, sizeof(BlockHead)) == kSwappedByteOrderMagic;
}

}  // namespace

std::optional<Block> BlockCursor::fail(std::string_view what) {
  fault_ = Fault{offset_, what};
  return std::nullopt;
}

std::optional<Block> BlockCursor::next() {
  if (fault_ || offset_ >= bytes_.size()) return std::nullopt;
  const Bytes rest = bytes_.subspan(offset_);
  if (rest.size() < kMinBlockBytes) return fail("the last block is cut off");
  const auto head = load<BlockHead>(rest);
  if (head.type == kSectionHeader && other_byte_order(rest)) {
    return fail("the section is in the other byte order");
  }
  const std::size_t total = head.total_bytes;
  if (total < kMinBlockBytes || total % kAlignment != 0) return fail("impossible block length");
  if (total > rest.size()) return fail("the block reaches beyond the end");
  if (load<std::uint32_t>(rest, total - kTrailerBytes) != head.total_bytes) {
    return fail("the block's two lengths differ");
  }
  offset_ += total;
  return Block{rest.first(total), head.type};
}

std::optional<Option> OptionCursor::next() {
  if (rest_.size() < sizeof(OptionHead)) {
    malformed_ = malformed_ || !rest_.empty();
    return std::nullopt;
  }
  const auto head = load<OptionHead>(rest_);
  const std::size_t padded = round_up(head.value_bytes, kAlignment);
  if (head.code == kEndOfOptions || padded > rest_.size() - sizeof head) {
    malformed_ = head.code != kEndOfOptions || head.value_bytes != 0;
    rest_ = {};
    return std::nullopt;
  }
  const Option option{head.code, rest_.subspan(sizeof head, head.value_bytes)};
  rest_ = rest_.subspan(sizeof head + padded);
  return option;
}

std::string_view text_option(Bytes options, std::uint16_t code) {
  OptionCursor cursor(options);
  while (const auto option = cursor.next()) {
    if (option->code != code) continue;
    const std::string_view text = as_text(option->value);
    return text.substr(0, text.find('\0'));
  }
  return {};
}

std::optional<SectionHeaderView> as_section_header(const Block& block) {
  const auto head = head_of<SectionHead>(block, kSectionHeader);
  if (!head || head->byte_order_magic != kByteOrderMagic) return std::nullopt;
  return SectionHeaderView{head->major_version, head->minor_version, head->section_bytes,
                           body_from(block, sizeof *head)};
}

std::optional<InterfaceView> as_interface(const Block& block) {
  const auto head = head_of<InterfaceHead>(block, kInterfaceDescription);
  if (!head) return std::nullopt;
  return InterfaceView{head->link_type, head->snaplen, body_from(block, sizeof *head)};
}

std::optional<PacketView> as_packet(const Block& block) {
  const auto head = head_of<PacketHead>(block, kEnhancedPacket);
  if (!head) return std::nullopt;
  const Bytes body = body_from(block, sizeof *head);
  const std::size_t padded = round_up(head->captured_bytes, kAlignment);
  if (padded > body.size()) return std::nullopt;
  return PacketView{head->interface_id, join(head->time_high, head->time_low), head->original_bytes,
                    body.first(head->captured_bytes), body.subspan(padded)};
}

std::optional<StatisticsView> as_statistics(const Block& block) {
  const auto head = head_of<StatisticsHead>(block, kInterfaceStatistics);
  if (!head) return std::nullopt;
  return StatisticsView{head->interface_id, join(head->time_high, head->time_low),
                        body_from(block, sizeof *head)};
}

std::optional<std::int64_t> journal_time_ns(const Block& block) {
  constexpr std::string_view kField = "__REALTIME_TIMESTAMP=";
  constexpr std::int64_t kNsPerUs = 1000;
  if (block.type != kJournalExport) return std::nullopt;
  const std::string_view entry = as_text(body_from(block, sizeof(BlockHead)));
  const std::size_t at = entry.find(kField);
  if (at == std::string_view::npos || (at != 0 && entry[at - 1] != '\n')) return std::nullopt;
  const std::string_view digits = entry.substr(at + kField.size());
  std::int64_t us = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), us);
  if (parsed.ec != std::errc() || us < 0 || us > INT64_MAX / kNsPerUs) return std::nullopt;
  return us * kNsPerUs;
}

std::optional<std::int64_t> block_time_ns(const Block& block) {
  if (const auto head = head_of<PacketHead>(block, kEnhancedPacket)) {
    return static_cast<std::int64_t>(join(head->time_high, head->time_low));
  }
  return journal_time_ns(block);
}

}  // namespace caprock::pcapng
