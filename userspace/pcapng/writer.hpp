// SPDX-License-Identifier: Apache-2.0
// Writes pcapng blocks one behind the other into a growing buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/byte_span.hpp"
#include "pcapng/format.hpp"

namespace caprock::pcapng {

/// Empty texts are left out, here and below.
struct SectionHeader {
  std::string_view hardware = {};
  std::string_view operating_system = {};
  std::string_view user_application = {};
};

struct Interface {
  std::string_view name = {};
  std::string_view description = {};
  std::uint32_t snaplen = 0;  // 0: unlimited
  std::uint16_t link_type = kLinkTypeEthernet;
};

struct Packet {
  std::uint32_t interface_id = 0;
  std::int64_t time_ns = 0;  // since the epoch
  Bytes captured = {};
  std::uint32_t original_bytes = 0;
  std::optional<std::uint32_t> flags = {};
  std::uint64_t dropped = 0;  // 0: the option is left out
  std::string_view comment = {};
};

struct NameEntry {
  Bytes address = {};  // 4 or 16 bytes, network order
  std::string_view name = {};
};

struct Statistics {
  std::uint32_t interface_id = 0;
  std::int64_t time_ns = 0;
  std::uint64_t received = 0;
  std::uint64_t dropped = 0;
};

struct DarwinProcess {
  std::uint32_t pid = 0;
  std::string_view name = {};
};

/// A field of a journal entry: name of upper-case letters, digits and '_'; any value.
struct JournalField {
  std::string_view name = {};
  std::string_view value = {};
};

/// Appends blocks to `out`: each a multiple of 8 bytes, byte order of the machine, times in ns
/// (if_tsresol 9). Texts are cut at 65528 bytes. One thread at a time.
class Writer {
 public:
  explicit Writer(std::vector<std::byte>& out) : out_(out) {}

  void section_header(const SectionHeader& header);
  void interface_description(const Interface& interface);
  void packet(const Packet& packet);
  void name_resolution(std::span<const NameEntry> names);
  void interface_statistics(const Statistics& statistics);
  void darwin_process(const DarwinProcess& process);

  /// Source of the entry's form: systemd, "Journal Export Formats". A time in the list goes as
  /// __REALTIME_TIMESTAMP, in µs.
  void journal_entry(std::span<const JournalField> fields);

 private:
  template <class Head>
  void begin(const Head& head);
  void raw(Bytes bytes);
  void raw(std::string_view text);
  template <class T>
  void number(T value);
  void pad();
  void option(std::uint16_t code, Bytes value);
  void text_option(std::uint16_t code, std::string_view text);
  template <class T>
  void number_option(std::uint16_t code, T value);
  void end();

  std::vector<std::byte>& out_;
  std::size_t start_ = 0;  // of the block in the making
};

}  // namespace caprock::pcapng
