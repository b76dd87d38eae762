// SPDX-License-Identifier: Apache-2.0
// The pcapng file format: block types, option codes and fixed layouts. Source of every number,
// unless another is named: draft-ietf-opsawg-pcapng, whose section is given in brackets.
//
//   block  := type · total length · body, padded to 4 · total length
//   option := code · length of value · value, padded to 4; code 0 ends the list and may be left out
#pragma once

#include <cstddef>
#include <cstdint>

namespace caprock::pcapng {

enum BlockType : std::uint32_t {
  kSectionHeader = 0x0A0D0D0A,      // SHB [4.1], the same in both byte orders
  kInterfaceDescription = 1,        // IDB [4.2]
  kSimplePacket = 3,                // SPB [4.4]
  kNameResolution = 4,              // NRB [4.5]
  kInterfaceStatistics = 5,         // ISB [4.6]
  kEnhancedPacket = 6,              // EPB [4.3]
  kJournalExport = 9,               // systemd Journal Export Block [4.7]
  kFirstLocalType = 0x80000000,     // local use [10.1]
  kDarwinProcessInfo = 0x80000001,  // of Apple's libpcap, pcapng.h: PCAPNG_BT_PIB
};

inline constexpr std::uint32_t kByteOrderMagic = 0x1A2B3C4D;
inline constexpr std::uint32_t kSwappedByteOrderMagic = 0x4D3C2B1A;
inline constexpr std::uint16_t kMajorVersion = 1;
inline constexpr std::uint16_t kMinorVersion = 0;
inline constexpr std::uint64_t kUnknownSectionLength = ~std::uint64_t{0};

/// Type, length in front and length behind: the smallest block.
inline constexpr std::size_t kMinBlockBytes = 12;
/// Not of the format: libpcap and Wireshark refuse a longer block.
inline constexpr std::size_t kMaxBlockBytes = 16u << 20;
inline constexpr std::size_t kAlignment = 4;     // of the format
inline constexpr std::size_t kOurAlignment = 8;  // of every block that caprock writes

/// LINKTYPE_ETHERNET of the tcpdump.org registry.
inline constexpr std::uint16_t kLinkTypeEthernet = 1;

/// Options of every block [3.5].
enum CommonOption : std::uint16_t {
  kEndOfOptions = 0,
  kComment = 1,
};

enum SectionHeaderOption : std::uint16_t {
  kHardware = 2,
  kOperatingSystem = 3,
  kUserApplication = 4,
};

enum InterfaceOption : std::uint16_t {
  kInterfaceName = 2,
  kInterfaceDescriptionText = 3,
  kTimeResolution = 9,  // one byte: the negative power of 10, or of 2 where the top bit is set
  kTimeOffset = 14,
};

enum PacketOption : std::uint16_t {
  kPacketFlags = 2,
  kDropCount = 4,
  kProcessAndThread = 8,    // epb_processid_threadid: two numbers of 4 bytes
  kDarwinProcess = 0x8001,  // of Apple's libpcap, pcapng.h: PCAPNG_EPB_PIB_INDEX, the number of a
                            // kDarwinProcessInfo in the section, from 0
};

enum StatisticsOption : std::uint16_t {
  kStatisticsStart = 2,
  kStatisticsEnd = 3,
  kInterfaceReceived = 4,
  kInterfaceDropped = 5,
  kFilterAccepted = 6,
  kOperatingSystemDropped = 7,
  kDeliveredToUser = 8,
};

enum DarwinProcessOption : std::uint16_t {
  kDarwinProcessName = 2,  // PCAPNG_PIB_NAME
};

/// Records of a Name Resolution Block.
enum NameRecord : std::uint16_t {
  kEndOfNames = 0,
  kNameIpv4 = 1,
  kNameIpv6 = 2,
};

/// In front of every block.
struct BlockHead {
  std::uint32_t type;
  std::uint32_t total_bytes;
};

struct OptionHead {
  std::uint16_t code;
  std::uint16_t value_bytes;  // without padding
};

/// Block heads up to the options, in the byte order of the section.
struct SectionHead {
  BlockHead block;
  std::uint32_t byte_order_magic;
  std::uint16_t major_version;
  std::uint16_t minor_version;
  std::uint64_t section_bytes;  // of the blocks behind this one; kUnknownSectionLength
};

struct InterfaceHead {
  BlockHead block;
  std::uint16_t link_type;
  std::uint16_t reserved;
  std::uint32_t snaplen;  // 0: unlimited
};

/// The same bytes as abi/block.h's epb_head.
struct PacketHead {
  BlockHead block;
  std::uint32_t interface_id;
  std::uint32_t time_high;  // in units of the interface's kTimeResolution
  std::uint32_t time_low;
  std::uint32_t captured_bytes;
  std::uint32_t original_bytes;
};

struct SimplePacketHead {
  BlockHead block;
  std::uint32_t original_bytes;
};

struct StatisticsHead {
  BlockHead block;
  std::uint32_t interface_id;
  std::uint32_t time_high;
  std::uint32_t time_low;
};

/// Shown by Wireshark 4.6 and later: frame.darwin.process_info.
struct DarwinProcessHead {
  BlockHead block;
  std::uint32_t process_id;
};

static_assert(sizeof(BlockHead) == 8 && sizeof(OptionHead) == 4);
static_assert(sizeof(SectionHead) == 24);
static_assert(sizeof(InterfaceHead) == 16);
static_assert(sizeof(PacketHead) == 28);
static_assert(sizeof(SimplePacketHead) == 12);
static_assert(sizeof(StatisticsHead) == 20);
static_assert(sizeof(DarwinProcessHead) == 12);

}  // namespace caprock::pcapng
