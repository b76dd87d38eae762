// SPDX-License-Identifier: Apache-2.0
#include "store/account_entry.hpp"

#include <catch2/catch_test_macros.hpp>

#include "recorder.hpp"
#include "store/verify.hpp"

namespace caprock::store::test {
namespace {

constexpr Account kAccount{.seen = 100,
                           .not_l4 = 1,
                           .filtered = 20,
                           .malformed = 3,
                           .unreadable = 4,
                           .lost = 5,
                           .written = 67,
                           .recorded = 67};

std::vector<std::byte> entry(const Account& account) {
  std::vector<std::byte> out;
  write_account_entry(out, account, 1'700'000'000'000'000'000);
  return out;
}

std::optional<Account> read_back(const Account& account) {
  const auto bytes = entry(account);
  const auto block = pcapng::BlockCursor(bytes).next();
  REQUIRE(block);
  return as_account(*block);
}

VerifyReport verify_with(const Account& account) {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  REQUIRE(ring->lane(0).append_control(entry(account)));
  REQUIRE(ring->close());
  auto report = verify(path);
  REQUIRE(report);
  return *std::move(report);
}

TEST_CASE("account: it comes back from the entry as it was") {
  CHECK(read_back(kAccount) == kAccount);
  Account shared = kAccount;
  shared.recorded.reset();
  CHECK(read_back(shared) == shared);
}

TEST_CASE("account: what is told of no packet is unexplained, and so is one that is told twice") {
  CHECK(unexplained(kAccount) == 0);
  Account account = kAccount;
  account.seen = 103;
  CHECK(unexplained(account) == 3);
  account.seen = 98;
  CHECK(unexplained(account) == 2);
}

TEST_CASE("account: what was written and did not come into the ring is unexplained") {
  Account account = kAccount;
  account.recorded = 60;
  CHECK(unexplained(account) == 7);
}

TEST_CASE(
    "account: verify tells it, also where it does not add up: the file is right all the same") {
  const VerifyReport right = verify_with(kAccount);
  CHECK(right.whole());
  REQUIRE(right.accounts.size() == 1);
  CHECK(right.accounts[0].account == kAccount);

  Account account = kAccount;
  account.lost = 0;
  const VerifyReport wrong = verify_with(account);
  CHECK(wrong.whole());
  REQUIRE(wrong.accounts.size() == 1);
  CHECK(unexplained(wrong.accounts[0].account) == 5);
}

}  // namespace
}  // namespace caprock::store::test
