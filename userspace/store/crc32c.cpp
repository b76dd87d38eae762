// SPDX-License-Identifier: Apache-2.0
#include "store/crc32c.hpp"

#include <array>

namespace caprock::store {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1) * kReflectedPolynomial);
    table[i] = value;
  }
  return table;
}

constexpr auto kTable = make_table();

std::uint32_t update_bytewise(Bytes bytes, std::uint32_t crc) {
  for (const std::byte byte : bytes)
    crc = kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t update_by_instruction(Bytes bytes,
                                                                      std::uint32_t crc) {
  std::uint64_t wide = crc;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8)
    wide = __builtin_ia32_crc32di(wide, load<std::uint64_t>(bytes, at));
  return update_bytewise(bytes.subspan(at), static_cast<std::uint32_t>(wide));
}

bool has_instruction() {
  return __builtin_cpu_supports("sse4.2");
}
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t update_by_instruction(Bytes bytes, std::uint32_t crc) {
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8)
    crc = __builtin_aarch64_crc32cx(crc, load<std::uint64_t>(bytes, at));
  return update_bytewise(bytes.subspan(at), crc);
}

bool has_instruction() {
  return true;
}
#else
std::uint32_t update_by_instruction(Bytes bytes, std::uint32_t crc) {
  return update_bytewise(bytes, crc);
}

bool has_instruction() {
  return false;
}
#endif

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t before) {
  return ~(has_instruction() ? update_by_instruction(bytes, ~before)
                             : update_bytewise(bytes, ~before));
}

}  // namespace caprock::store
