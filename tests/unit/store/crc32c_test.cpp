// SPDX-License-Identifier: Apache-2.0
#include "store/crc32c.hpp"

#include <random>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace caprock::store {
namespace {

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

  for (const auto checksum : {crc32c, crc32c_portable}) {
    CHECK(checksum(zeros, 0) == 0x8A9136AA);
    CHECK(checksum(ones, 0) == 0x62A8AB43);
    CHECK(checksum(rising, 0) == 0x46DD794E);
    CHECK(checksum(std::as_bytes(std::span(digits)), 0) == 0xE3069283);
    CHECK(checksum({}, 0) == 0);
  }
}

TEST_CASE("crc32c: fast and portable agree at every length and alignment") {
  const std::vector<std::byte> bytes = random_bytes(20'000);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size < 10'000; size += 1 + size / 7) {
      const Bytes part = Bytes(bytes).subspan(begin, size);
      REQUIRE(crc32c(part) == crc32c_portable(part));
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
