// SPDX-License-Identifier: Apache-2.0
// The classic pcap file format. Source: draft-ietf-opsawg-pcap, sections 4 and 5.
#pragma once

#include <cstdint>

namespace caprock::exporting::pcap {

inline constexpr std::uint32_t kMagicMicroseconds = 0xA1B2C3D4;
inline constexpr std::uint32_t kMagicNanoseconds = 0xA1B23C4D;
inline constexpr std::uint32_t kNsPerMicrosecond = 1000;

struct FileHead {
  std::uint32_t magic = kMagicMicroseconds;
  std::uint16_t major_version = 2;
  std::uint16_t minor_version = 4;
  std::uint32_t reserved[2] = {};
  std::uint32_t snaplen = 0;
  std::uint32_t link_type = 0;
};

struct RecordHead {
  std::uint32_t seconds;
  std::uint32_t fraction;  // µs or ns, as the magic says
  std::uint32_t captured_bytes;
  std::uint32_t original_bytes;
};

static_assert(sizeof(FileHead) == 24 && sizeof(RecordHead) == 16);

}  // namespace caprock::exporting::pcap
