// SPDX-License-Identifier: Apache-2.0
#include "pcapng/validator.hpp"

namespace caprock::pcapng {
namespace {

using Verdict = std::optional<std::string_view>;

/// Options whose length the format fixes.
std::optional<std::size_t> fixed_length(std::uint32_t block_type, std::uint16_t code) {
  if (block_type == kInterfaceDescription && code == kTimeResolution) return 1;
  if (block_type == kInterfaceDescription && code == kTimeOffset) return 8;
  if (block_type == kEnhancedPacket && code == kPacketFlags) return 4;
  if (block_type == kEnhancedPacket && code == kDropCount) return 8;
  if (block_type == kInterfaceStatistics && code >= kStatisticsStart && code <= kDeliveredToUser)
    return 8;
  return std::nullopt;
}

Verdict check_options(const Block& block, Bytes options) {
  OptionCursor cursor(options);
  while (const auto option = cursor.next()) {
    const auto length = fixed_length(block.type, option->code);
    if (length && option->value.size() != *length) return "an option has the wrong length";
  }
  if (cursor.malformed()) return "its options are malformed";
  return std::nullopt;
}

Verdict check_names(const Block& block) {
  const Bytes records = block.bytes.subspan(sizeof(BlockHead), block.bytes.size() - kMinBlockBytes);
  OptionCursor cursor(records);
  while (const auto record = cursor.next()) {
    const std::size_t address = record->code == kNameIpv4 ? 4 : 16;
    const bool known = record->code == kNameIpv4 || record->code == kNameIpv6;
    if (known && record->value.size() <= address) return "a name record is too short";
  }
  if (cursor.malformed()) return "its name records are malformed";
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> Validator::check(const Block& block) {
  if (!in_section_ && block.type != kSectionHeader) return "no section header stands before it";
  if (block.bytes.size() > kMaxBlockBytes) return "it is longer than readers accept";
  switch (block.type) {
    case kSectionHeader:
      return check_section(block);
    case kInterfaceDescription:
      return check_interface(block);
    case kEnhancedPacket:
      return check_packet(block);
    case kInterfaceStatistics:
      return check_statistics(block);
    case kNameResolution:
      return check_names(block);
    case kSimplePacket:
      return snaplens_.empty() ? Verdict("its interface is not described") : std::nullopt;
    default:
      return std::nullopt;
  }
}

Verdict Validator::check_section(const Block& block) {
  const auto section = as_section_header(block);
  if (!section) return "the section header is malformed";
  if (section->major_version != kMajorVersion) return "its version is not known";
  in_section_ = true;
  snaplens_.clear();
  return check_options(block, section->options);
}

Verdict Validator::check_interface(const Block& block) {
  const auto interface = as_interface(block);
  if (!interface) return "the interface description is malformed";
  snaplens_.push_back(interface->snaplen);
  return check_options(block, interface->options);
}

Verdict Validator::check_packet(const Block& block) const {
  const auto packet = as_packet(block);
  if (!packet) return "the packet does not fit in its block";
  if (packet->interface_id >= snaplens_.size()) return "its interface is not described";
  const std::uint32_t snaplen = snaplens_[packet->interface_id];
  if (snaplen != 0 && packet->captured.size() > snaplen) return "it captured more than the snaplen";
  if (packet->captured.size() > packet->original_bytes) return "it captured more than there was";
  return check_options(block, packet->options);
}

Verdict Validator::check_statistics(const Block& block) const {
  const auto statistics = as_statistics(block);
  if (!statistics) return "the interface statistics are malformed";
  if (statistics->interface_id >= snaplens_.size()) return "its interface is not described";
  return check_options(block, statistics->options);
}

std::vector<Fault> validate(Bytes file, std::size_t limit) {
  std::vector<Fault> faults;
  Validator validator;
  BlockCursor cursor(file);
  std::size_t offset = 0;
  for (auto block = cursor.next(); block && faults.size() < limit; block = cursor.next()) {
    if (const auto what = validator.check(*block)) faults.push_back({offset, *what});
    offset = cursor.offset();
  }
  if (cursor.fault() && faults.size() < limit) faults.push_back(*cursor.fault());
  return faults;
}

}  // namespace caprock::pcapng
