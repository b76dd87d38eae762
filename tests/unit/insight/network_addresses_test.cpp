// SPDX-License-Identifier: Apache-2.0
#include "insight/network_addresses.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

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

TEST_CASE("addresses: a namespace is gone when all processes are that were seen there") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  NetworkAddresses addresses;
  REQUIRE(addresses.news(own_network(), static_cast<std::uint32_t>(child), kSecond));
  CHECK(addresses.gone(kSecond).empty());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(addresses.gone(60 * kSecond) == std::vector{own_network()});
  CHECK(addresses.gone(120 * kSecond).empty());
  CHECK(addresses.news(own_network(), me(), 130 * kSecond));
}

TEST_CASE("addresses: what is forgotten is told again") {
  NetworkAddresses addresses;
  REQUIRE(addresses.news(own_network(), me(), kSecond));
  addresses.forget();
  CHECK(addresses.news(own_network(), me(), 2 * kSecond));
}

TEST_CASE("addresses: of a process that is gone, or elsewhere, nothing is told") {
  CHECK(addresses_of(own_network() + 1, me()).empty());
  CHECK(addresses_of(own_network() + 1, 0x7fffffff).empty());
  CHECK_FALSE(NetworkAddresses().news(own_network() + 1, me(), kSecond));
}

}  // namespace caprock::insight
