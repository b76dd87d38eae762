// SPDX-License-Identifier: Apache-2.0
#include "insight/network_addresses.hpp"

#include <unistd.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "core/network_namespace.hpp"

namespace caprock::insight {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::uint32_t me() {
  return static_cast<std::uint32_t>(::getpid());
}

}  // namespace

TEST_CASE("addresses: of the own namespace are at hand") {
  const AddressList mine = addresses_of(own_network(), me());
  CHECK(std::ranges::find(mine, "127.0.0.1") != mine.end());
}

TEST_CASE("addresses: of a process that is gone, or elsewhere, there are none") {
  CHECK(addresses_of(own_network() + 1, me()).empty());
  CHECK(addresses_of(own_network() + 1, 0x7fffffff).empty());
}

TEST_CASE("addresses: a namespace is asked when it is seen first, and every ten seconds") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  addresses.see(5, 8, 0, kSecond);
  auto questions = addresses.take_questions();
  REQUIRE(questions.size() == 1);
  CHECK(questions[0].network == 5);
  CHECK(questions[0].pid == 7);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  addresses.see(5, 8, 0, 10 * kSecond);
  CHECK(addresses.take_questions().empty());
  addresses.see(5, 8, 0, 11 * kSecond);
  CHECK(addresses.take_questions().size() == 1);
  CHECK_FALSE(addresses.answer(5, {"10.0.0.1"}, 11 * kSecond));
  CHECK(addresses.answer(5, {"10.0.0.1", "10.0.0.2"}, 11 * kSecond));
}

TEST_CASE("addresses: a process that began behind the answer may be in another namespace") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  CHECK(addresses.take_questions().size() == 1);
  addresses.see(5, 8, kSecond + 1, 2 * kSecond - 1);  // no more than once a second
  CHECK(addresses.take_questions().empty());
  addresses.see(5, 8, kSecond + 1, 2 * kSecond);
  addresses.see(5, 9, kSecond + 2, 2 * kSecond);
  const auto questions = addresses.take_questions();
  REQUIRE(questions.size() == 1);
  CHECK(questions[0].pid == 8);
}

TEST_CASE("addresses: many namespaces that cannot be asked do not displace one that was told") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  for (std::uint32_t network = 10; network < 10'000; ++network)
    addresses.see(network, 8, 0, kSecond);
  CHECK(addresses.take_questions().size() > 9'000);
  CHECK(addresses.take_told(kSecond) == std::vector<std::uint32_t>{5});
}

TEST_CASE("addresses: one that could not be asked is asked again soon") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  CHECK(addresses.take_questions().size() == 1);
  CHECK_FALSE(addresses.answer(5, {}, kSecond));
  addresses.see(5, 8, 0, 2 * kSecond);
  CHECK(addresses.take_questions().size() == 1);
}

TEST_CASE("addresses: what is forgotten is news again") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  addresses.forget();
  addresses.see(5, 7, 0, 2 * kSecond);
  CHECK(addresses.take_questions().size() == 2);
  CHECK(addresses.answer(5, {"10.0.0.1"}, 2 * kSecond));
}

TEST_CASE("addresses: what was told is looked after every ten seconds, also what was forgotten") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  addresses.see(6, 8, 0, kSecond);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  CHECK(addresses.take_told(kSecond) == std::vector<std::uint32_t>{5});
  CHECK(addresses.take_told(10 * kSecond).empty());
  addresses.forget();
  CHECK(addresses.take_told(11 * kSecond) == std::vector<std::uint32_t>{5});
}

TEST_CASE("addresses: what two looks in a row find deserted is gone") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  CHECK(addresses.drop_deserted({5}, 10 * kSecond).empty());
  CHECK(addresses.drop_deserted({}, 20 * kSecond).empty());
  CHECK(addresses.drop_deserted({5}, 30 * kSecond).empty());
  CHECK(addresses.drop_deserted({5}, 40 * kSecond) == std::vector<std::uint32_t>{5});
  CHECK(addresses.take_told(40 * kSecond).empty());
}

TEST_CASE("addresses: a namespace that is used while it is looked for is not deserted") {
  NetworkAddresses addresses;
  addresses.see(5, 7, 0, kSecond);
  CHECK(addresses.answer(5, {"10.0.0.1"}, kSecond));
  CHECK(addresses.drop_deserted({5}, 10 * kSecond).empty());
  addresses.see(5, 8, 0, 20 * kSecond + 1);
  CHECK(addresses.drop_deserted({5}, 20 * kSecond).empty());
  CHECK(addresses.take_told(21 * kSecond) == std::vector<std::uint32_t>{5});
}

TEST_CASE("addresses: a namespace is deserted when no process at all is in it") {
  CHECK(deserted_of({own_network(), 1}) == std::vector<std::uint32_t>{1});
}

}  // namespace caprock::insight
