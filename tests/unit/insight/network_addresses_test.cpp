// SPDX-License-Identifier: Apache-2.0
#include "insight/network_addresses.hpp"

#include <unistd.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

namespace caprock::insight {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::uint32_t me() {
  return static_cast<std::uint32_t>(::getpid());
}

}  // namespace

TEST_CASE("addresses: of the own namespace are told once") {
  const AddressList mine = addresses_of(own_network(), me());
  REQUIRE(std::ranges::find(mine, "127.0.0.1") != mine.end());
  NetworkAddresses addresses;
  CHECK(addresses.news(own_network(), me(), kSecond) == mine);
  CHECK_FALSE(addresses.news(own_network(), me(), 2 * kSecond));
  CHECK_FALSE(addresses.news(own_network(), me(), 60 * kSecond));
}

TEST_CASE("addresses: of a process that is gone, or elsewhere, nothing is told") {
  CHECK(addresses_of(own_network() + 1, me()).empty());
  CHECK(addresses_of(own_network() + 1, 0x7fffffff).empty());
  CHECK_FALSE(NetworkAddresses().news(own_network() + 1, me(), kSecond));
}

}  // namespace caprock::insight
