// SPDX-License-Identifier: Apache-2.0
// Reads pcapng blocks in place. Never touches a byte outside what it was given and never allocates;
// every length is read once, so that bytes which change under the reader's hands can mislead it but
// not lead it astray.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "core/byte_span.hpp"
#include "pcapng/format.hpp"

namespace caprock::pcapng {

/// What is wrong, and where. `what` is text of the program, not of the file.
struct Fault {
  std::uint64_t offset = 0;  // of the block
  std::string_view what;
};

struct Block {
  Bytes bytes;  // whole, from type to trailing length; a multiple of 4, at least kMinBlockBytes
  std::uint32_t type = 0;
};

/// Walks the blocks of `bytes`, from `offset` to the end or to the first fault. Sections in the
/// other byte order are a fault: they are to be converted first (any tool that rewrites pcapng on
/// this machine does).
class BlockCursor {
 public:
  explicit BlockCursor(Bytes bytes, std::size_t offset = 0) : bytes_(bytes), offset_(offset) {}

  /// The next block; nothing at the end and at a fault.
  std::optional<Block> next();

  /// Passes over so many bytes, which are whole blocks.
  void skip(std::size_t bytes) { offset_ += bytes; }

  /// Where the next block starts.
  std::size_t offset() const { return offset_; }
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  std::optional<Block> fail(std::string_view what);
  bool in_other_byte_order() const;

  Bytes bytes_;
  std::size_t offset_;
  std::optional<Fault> fault_;
};

struct Option {
  std::uint16_t code = 0;
  Bytes value;
};

/// Walks an option list up to its end or to the first option that does not fit; then malformed() is
/// true.
class OptionCursor {
 public:
  explicit OptionCursor(Bytes options) : rest_(options) {}

  std::optional<Option> next();
  bool malformed() const { return malformed_; }

 private:
  Bytes rest_;
  bool malformed_ = false;
};

/// The value of the first option of that code; nothing if there is none or it is shorter than a T.
template <class T>
std::optional<T> number_option(Bytes options, std::uint16_t code) {
  OptionCursor cursor(options);
  while (const auto option = cursor.next()) {
    if (option->code == code && option->value.size() >= sizeof(T)) return load<T>(option->value);
  }
  return std::nullopt;
}

/// The text of the first option of that code, without trailing NULs; empty if there is none.
std::string_view text_option(Bytes options, std::uint16_t code);

struct SectionHeaderView {
  std::uint16_t major_version = 0;
  std::uint16_t minor_version = 0;
  std::uint64_t section_bytes = 0;
  Bytes options;
};

struct InterfaceView {
  std::uint16_t link_type = 0;
  std::uint32_t snaplen = 0;
  Bytes options;

  std::string_view name() const { return text_option(options, kInterfaceName); }
  std::string_view description() const { return text_option(options, kInterfaceDescriptionText); }
};

struct PacketView {
  std::uint32_t interface_id = 0;
  std::uint64_t time = 0;  // in units of the interface's kTimeResolution: ns in what caprock writes
  std::uint32_t original_bytes = 0;
  Bytes captured;
  Bytes options;

  std::uint32_t flags() const {
    return number_option<std::uint32_t>(options, kPacketFlags).value_or(0);
  }
  std::uint64_t dropped() const {
    return number_option<std::uint64_t>(options, kDropCount).value_or(0);
  }
};

struct StatisticsView {
  std::uint32_t interface_id = 0;
  std::uint64_t time = 0;
  Bytes options;
};

/// The block as what its type says; nothing if it is of another type or too short for its fixed
/// part and contents.
std::optional<SectionHeaderView> as_section_header(const Block& block);
std::optional<InterfaceView> as_interface(const Block& block);
std::optional<PacketView> as_packet(const Block& block);
std::optional<StatisticsView> as_statistics(const Block& block);

/// Value of a field of a journal entry; empty if the block is none or has no such field.
std::string_view journal_field(const Block& block, std::string_view name);

/// The fields of a journal entry, in their order, of either form; none if the block is none.
/// Source: systemd, "Journal Export Formats".
class JournalCursor {
 public:
  explicit JournalCursor(const Block& block);

  /// Name and value.
  std::optional<std::pair<std::string_view, std::string_view>> next();

 private:
  std::string_view take(std::size_t bytes);

  std::string_view rest_;
};

/// Time of the journal entry (__REALTIME_TIMESTAMP) in ns; nothing if the block is none or has no
/// such field.
std::optional<std::int64_t> journal_time_ns(const Block& block);

/// Time of a packet or journal block in ns, for files of if_tsresol 9; nothing for other blocks.
std::optional<std::int64_t> block_time_ns(const Block& block);

// What follows is inline because bulk readers take millions of blocks a second.

namespace detail {

inline constexpr std::size_t kTrailerBytes = sizeof(std::uint32_t);

inline std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

/// The fixed part of a block, if it is of that type and long enough.
template <class Head>
std::optional<Head> head_of(const Block& block, std::uint32_t type) {
  if (block.type != type || block.bytes.size() < sizeof(Head) + kTrailerBytes) return std::nullopt;
  return load<Head>(block.bytes);
}

/// What stands between `offset` and the trailing length.
inline Bytes body_from(const Block& block, std::size_t offset) {
  return block.bytes.subspan(offset, block.bytes.size() - kTrailerBytes - offset);
}

}  // namespace detail

inline std::optional<Block> BlockCursor::next() {
  if (fault_ || offset_ >= bytes_.size()) return std::nullopt;
  const Bytes rest = bytes_.subspan(offset_);
  if (rest.size() < kMinBlockBytes) return fail("the last block is cut off");
  const auto head = load<BlockHead>(rest);
  if (head.type == kSectionHeader && in_other_byte_order()) {
    return fail("the section is in the other byte order");
  }
  const std::size_t total = head.total_bytes;
  if (total < kMinBlockBytes || total % kAlignment != 0) return fail("impossible block length");
  if (total > rest.size()) return fail("the block reaches beyond the end");
  if (load<std::uint32_t>(rest, total - detail::kTrailerBytes) != head.total_bytes) {
    return fail("the block's two lengths differ");
  }
  offset_ += total;
  return Block{rest.first(total), head.type};
}

inline std::optional<Option> OptionCursor::next() {
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

inline std::optional<PacketView> as_packet(const Block& block) {
  const auto head = detail::head_of<PacketHead>(block, kEnhancedPacket);
  if (!head) return std::nullopt;
  const Bytes body = detail::body_from(block, sizeof *head);
  const std::size_t padded = round_up(head->captured_bytes, kAlignment);
  if (padded > body.size()) return std::nullopt;
  return PacketView{head->interface_id, detail::join(head->time_high, head->time_low),
                    head->original_bytes, body.first(head->captured_bytes), body.subspan(padded)};
}

inline std::optional<std::int64_t> block_time_ns(const Block& block) {
  if (const auto head = detail::head_of<PacketHead>(block, kEnhancedPacket)) {
    return static_cast<std::int64_t>(detail::join(head->time_high, head->time_low));
  }
  return journal_time_ns(block);
}

}  // namespace caprock::pcapng
