// SPDX-License-Identifier: Apache-2.0
#include "pcapng/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace caprock::pcapng {
using detail::body_from;
using detail::head_of;
using detail::join;

namespace {

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool BlockCursor::in_other_byte_order() const {
  const Bytes rest = bytes_.subspan(offset_);
  return rest.size() >= sizeof(BlockHead) + sizeof(std::uint32_t) &&
         load<std::uint32_t>(rest, sizeof(BlockHead)) == kSwappedByteOrderMagic;
}

std::optional<Block> BlockCursor::fail(std::string_view what) {
  fault_ = Fault{offset_, what};
  return std::nullopt;
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

std::optional<StatisticsView> as_statistics(const Block& block) {
  const auto head = head_of<StatisticsHead>(block, kInterfaceStatistics);
  if (!head) return std::nullopt;
  return StatisticsView{head->interface_id, join(head->time_high, head->time_low),
                        body_from(block, sizeof *head)};
}

JournalCursor::JournalCursor(const Block& block) {
  if (block.type == kJournalExport) rest_ = as_text(body_from(block, sizeof(BlockHead)));
}

/// A line without '=' names a field of any bytes, whose length and value follow.
std::optional<std::pair<std::string_view, std::string_view>> JournalCursor::next() {
  while (!rest_.empty()) {
    const std::string_view line = take(rest_.find('\n'));
    if (const auto end = line.find('='); end != line.npos)
      return std::pair(line.substr(0, end), line.substr(end + 1));
    if (line.empty()) continue;  // between entries, and padding
    std::uint64_t bytes = 0;
    if (rest_.size() < sizeof bytes) break;
    std::memcpy(&bytes, rest_.data(), sizeof bytes);
    rest_.remove_prefix(sizeof bytes);
    if (bytes > rest_.size()) break;
    return std::pair(line, take(bytes));
  }
  rest_ = {};
  return std::nullopt;
}

/// So many bytes, and the line feed behind them goes, too.
std::string_view JournalCursor::take(std::size_t bytes) {
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
  return taken;
}

std::string_view journal_field(const Block& block, std::string_view name) {
  JournalCursor fields(block);
  while (const auto field = fields.next()) {
    if (field->first == name) return field->second;
  }
  return {};
}

std::optional<std::int64_t> journal_time_ns(const Block& block) {
  constexpr std::int64_t kNsPerUs = 1000;
  const std::string_view digits = journal_field(block, "__REALTIME_TIMESTAMP");
  std::int64_t us = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), us);
  if (parsed.ec != std::errc() || us < 0 || us > INT64_MAX / kNsPerUs) return std::nullopt;
  return us * kNsPerUs;
}

}  // namespace caprock::pcapng
