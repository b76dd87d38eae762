// SPDX-License-Identifier: Apache-2.0
#include "pcapng/writer.hpp"

#include <algorithm>

namespace caprock::pcapng {
namespace {

constexpr std::size_t kMaxTextBytes = 65528;  // fits the 16 bits of a length, also when padded
constexpr std::uint8_t kNanoseconds = 9;

std::uint32_t high(std::int64_t time_ns) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(time_ns) >> 32);
}

std::uint32_t low(std::int64_t time_ns) {
  return static_cast<std::uint32_t>(time_ns);
}

}  // namespace

void Writer::raw(Bytes bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void Writer::raw(std::string_view text) {
  raw(std::as_bytes(std::span(text)));
}

template <class T>
void Writer::number(T value) {
  raw(std::as_bytes(std::span(&value, 1)));
}

void Writer::pad() {
  out_.resize(start_ + round_up(out_.size() - start_, kAlignment));
}

template <class Head>
void Writer::begin(const Head& head) {
  start_ = out_.size();
  number(head);
}

// The 4 zeros that a block may need to become a multiple of 8 read as the end of its options, or of
// a journal entry.
void Writer::end() {
  pad();
  out_.resize(start_ + round_up(out_.size() - start_ + sizeof(std::uint32_t), kOurAlignment) -
              sizeof(std::uint32_t));
  const auto total = static_cast<std::uint32_t>(out_.size() - start_ + sizeof(std::uint32_t));
  number(total);
  put(out_, start_ + offsetof(BlockHead, total_bytes), total);
}

void Writer::option(std::uint16_t code, Bytes value) {
  number(OptionHead{code, static_cast<std::uint16_t>(value.size())});
  raw(value);
  pad();
}

void Writer::text_option(std::uint16_t code, std::string_view text) {
  if (!text.empty()) option(code, std::as_bytes(std::span(text.substr(0, kMaxTextBytes))));
}

template <class T>
void Writer::number_option(std::uint16_t code, T value) {
  option(code, std::as_bytes(std::span(&value, 1)));
}

void Writer::section_header(const SectionHeader& header) {
  begin(SectionHead{
      {kSectionHeader, 0}, kByteOrderMagic, kMajorVersion, kMinorVersion, kUnknownSectionLength});
  text_option(kHardware, header.hardware);
  text_option(kOperatingSystem, header.operating_system);
  text_option(kUserApplication, header.user_application);
  end();
}

void Writer::interface_description(const Interface& interface) {
  begin(InterfaceHead{{kInterfaceDescription, 0}, interface.link_type, 0, interface.snaplen});
  text_option(kInterfaceName, interface.name);
  text_option(kInterfaceDescriptionText, interface.description);
  number_option(kTimeResolution, kNanoseconds);
  end();
}

void Writer::packet(const Packet& packet) {
  begin(PacketHead{{kEnhancedPacket, 0},
                   packet.interface_id,
                   high(packet.time_ns),
                   low(packet.time_ns),
                   static_cast<std::uint32_t>(packet.captured.size()),
                   packet.original_bytes});
  raw(packet.captured);
  pad();
  if (packet.flags) number_option(kPacketFlags, *packet.flags);
  if (packet.dropped != 0) number_option(kDropCount, packet.dropped);
  text_option(kComment, packet.comment);
  end();
}

void Writer::name_resolution(std::span<const NameEntry> names) {
  begin(BlockHead{kNameResolution, 0});
  for (const NameEntry& entry : names) {
    const std::string_view name = entry.name.substr(0, kMaxTextBytes - entry.address.size() - 1);
    const std::uint16_t code = entry.address.size() == 4 ? kNameIpv4 : kNameIpv6;
    number(OptionHead{code, static_cast<std::uint16_t>(entry.address.size() + name.size() + 1)});
    raw(entry.address);
    raw(name);
    number('\0');
    pad();
  }
  number(OptionHead{kEndOfNames, 0});
  end();
}

void Writer::interface_statistics(const Statistics& statistics) {
  begin(StatisticsHead{{kInterfaceStatistics, 0},
                       statistics.interface_id,
                       high(statistics.time_ns),
                       low(statistics.time_ns)});
  number_option(kInterfaceReceived, statistics.received);
  number_option(kInterfaceDropped, statistics.dropped);
  end();
}

void Writer::darwin_process(const DarwinProcess& process) {
  begin(DarwinProcessHead{{kDarwinProcessInfo, 0}, process.pid});
  text_option(kDarwinProcessName, process.name);
  end();
}

void Writer::journal_entry(std::span<const JournalField> fields) {
  begin(BlockHead{kJournalExport, 0});
  for (const JournalField& field : fields) {
    raw(field.name);
    if (field.value.find('\n') == std::string_view::npos) {
      number('=');
    } else {
      number('\n');
      number(std::uint64_t{field.value.size()});
    }
    raw(field.value);
    number('\n');
  }
  number('\n');
  end();
}

}  // namespace caprock::pcapng
