// SPDX-License-Identifier: Apache-2.0
#include "store/crc32c.hpp"

#include <array>

namespace caprock::store {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;

using ByteTable = std::array<std::uint32_t, 256>;

constexpr ByteTable make_byte_table() {
  ByteTable table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1) * kReflectedPolynomial);
    table[i] = value;
  }
  return table;
}

constexpr ByteTable kByteTable = make_byte_table();

#if defined(__x86_64__)

/// Three streams of this many bytes run side by side: the instruction takes three cycles, and one
/// can start in each.
constexpr std::size_t kStreamBytes = 1024;

/// By place and value of a byte: the CRC of that byte followed by kStreamBytes zeros. CRCs are
/// linear, so the XOR of four of them appends the zeros to any CRC.
using ZerosTable = std::array<ByteTable, 4>;

constexpr std::uint32_t append_zeros(std::uint32_t crc) {
  for (std::size_t i = 0; i < kStreamBytes; ++i)
    crc = (crc >> 8) ^ kByteTable[crc & 0xFF];
  return crc;
}

constexpr ZerosTable make_zeros_table() {
  ZerosTable table{};
  for (unsigned byte = 0; byte < 4; ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const std::uint32_t crc = append_zeros(std::uint32_t{1} << (8 * byte + bit));
      for (unsigned value = 0; value < 256; ++value)
        if ((value >> bit & 1) != 0) table[byte][value] ^= crc;
    }
  }
  return table;
}

constexpr ZerosTable kZerosTable = make_zeros_table();

std::uint64_t shift(std::uint64_t crc) {
  return kZerosTable[0][crc & 0xFF] ^ kZerosTable[1][crc >> 8 & 0xFF] ^
         kZerosTable[2][crc >> 16 & 0xFF] ^ kZerosTable[3][crc >> 24 & 0xFF];
}

__attribute__((target("sse4.2"))) std::uint32_t update_by_instruction(Bytes bytes,
                                                                      std::uint32_t crc) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t first = crc;
  for (; left >= 3 * kStreamBytes; left -= 3 * kStreamBytes, at += 3 * kStreamBytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kStreamBytes; i += 8) {
      first = __builtin_ia32_crc32di(first, load<std::uint64_t>(at + i));
      second = __builtin_ia32_crc32di(second, load<std::uint64_t>(at + kStreamBytes + i));
      third = __builtin_ia32_crc32di(third, load<std::uint64_t>(at + 2 * kStreamBytes + i));
    }
    first = shift(shift(first) ^ second) ^ third;
  }
  for (; left >= 8; left -= 8, at += 8)
    first = __builtin_ia32_crc32di(first, load<std::uint64_t>(at));
  auto last = static_cast<std::uint32_t>(first);
  for (; left > 0; --left, ++at)
    last = __builtin_ia32_crc32qi(last, static_cast<unsigned char>(*at));
  return last;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (const std::byte byte : bytes)
    crc = kByteTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::uint32_t crc32c(Bytes bytes, std::uint32_t before) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~update_by_instruction(bytes, ~before);
#endif
  return crc32c_portable(bytes, before);
}

}  // namespace caprock::store
