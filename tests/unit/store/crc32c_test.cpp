// SPDX-License-Identifier: Apache-2.0
#include "store/crc32c.hpp"

#include <random>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace caprock::store {
namespace {

/// Bit by bit, as the definition has it.
std::uint32_t reference(Bytes bytes) {
  std::uint32_t crc = ~0u;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
  }
  return ~crc;
}

std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937 random(1);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes)
    byte = static_cast<std::byte>(random());
  return bytes;
}

TEST_CASE("crc32c: the vectors of RFC 3720 B.4") {
  const std::vector<std::byte> zeros(32);
  const std::vector<std::byte> ones(32, std::byte{0xFF});
  std::vector<std::byte> rising(32);
  for (std::size_t i = 0; i < rising.size(); ++i)
    rising[i] = static_cast<std::byte>(i);
  const std::string_view digits = "123456789";

  CHECK(crc32c(zeros) == 0x8A9136AA);
  CHECK(crc32c(ones) == 0x62A8AB43);
  CHECK(crc32c(rising) == 0x46DD794E);
  CHECK(crc32c(std::as_bytes(std::span(digits))) == 0xE3069283);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("crc32c: right at every length and alignment") {
  const std::vector<std::byte> bytes = random_bytes(20'000);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size < 10'000; size += 1 + size / 7) {
      const Bytes part = Bytes(bytes).subspan(begin, size);
      REQUIRE(crc32c(part) == reference(part));
    }
  }
}

TEST_CASE("crc32c: a checksum can be continued") {
  const std::vector<std::byte> bytes = random_bytes(9'000);
  for (const std::size_t cut : {0, 1, 8, 3000, 8999}) {
    CHECK(crc32c(Bytes(bytes).subspan(cut), crc32c(Bytes(bytes).first(cut))) == crc32c(bytes));
  }
}

}  // namespace
}  // namespace caprock::store
