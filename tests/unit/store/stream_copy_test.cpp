// SPDX-License-Identifier: Apache-2.0
#include "store/stream_copy.hpp"

#include <algorithm>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace caprock::store {
namespace {

TEST_CASE("stream copy: copies exactly, at every alignment of 8 and every length") {
  constexpr std::size_t kMargin = 64;
  constexpr std::byte kUntouched{0xEE};
  std::vector<std::byte> from(9000);
  for (std::size_t i = 0; i < from.size(); ++i)
    from[i] = static_cast<std::byte>(i * 31 + i / 256);

  for (std::size_t to_offset = 0; to_offset < 64; to_offset += 8) {
    for (const std::size_t size : {0, 8, 64, 4088, 4096, 4104, 4160, 4224, 8192, 8200, 8888}) {
      std::vector<std::byte> to(kMargin + 64 + 9000 + kMargin, kUntouched);
      const std::size_t begin = kMargin + to_offset;
      stream_copy(to.data() + begin, Bytes(from).subspan(8, size));
      store_fence();
      REQUIRE(std::equal(from.begin() + 8, from.begin() + 8 + static_cast<std::ptrdiff_t>(size),
                         to.begin() + static_cast<std::ptrdiff_t>(begin)));
      const auto untouched = [](std::byte byte) { return byte == kUntouched; };
      REQUIRE(std::all_of(to.begin(), to.begin() + static_cast<std::ptrdiff_t>(begin), untouched));
      REQUIRE(
          std::all_of(to.begin() + static_cast<std::ptrdiff_t>(begin + size), to.end(), untouched));
    }
  }
}

}  // namespace
}  // namespace caprock::store
