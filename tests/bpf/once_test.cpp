// SPDX-License-Identifier: Apache-2.0
// What the programs make of packets that the host forwards between two links; that they recognise a
// packet on its way out, only a real one shows (tests/net/once_test.cpp).
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

constexpr unsigned kOnce = ROLE_INTERFACE | ROLE_ONCE;

ByteVector question() {
  return packet().ethernet().ipv4("10.0.0.1", "10.0.0.2").tcp(1000, 80);
}

ByteVector answer() {
  return packet().ethernet().ipv4("10.0.0.2", "10.0.0.1").tcp(80, 1000);
}

/// A link to 10.0.0.2, to which another device of ROLE_ONCE sends what it takes in. What came in
/// last is of no protocol: its sk_buff, which the next run may get, has no note.
Rig& fresh_link() {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.set_policy(INTERFACE_ALL, LINK_ETHERNET, kOnce);
  rig.set_other_policy(INTERFACE_ALL);
  constexpr std::size_t kLeastFrame = 60;
  rig.run(Hook::kTcIngress, ByteVector(kLeastFrame));
  return rig;
}

}  // namespace

TEST_CASE("once: the answers to a translated flow are left to the link where it began") {
  Rig& rig = fresh_link();
  rig.add_translated("10.0.0.2", 80, "10.0.0.1", 1000);
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kXdp);
  rig.run(hook, answer());
  CHECK(rig.counted(hook).filtered == 1);
  rig.run(hook, packet().ethernet().ipv4("10.0.0.2", "10.0.0.1").tcp(80, 1001));
  rig.run(hook, packet().ethernet().ipv4("10.0.0.2", "10.0.0.1").udp(80, 1000));
  CHECK(rig.counted(hook).written == 2);
}

TEST_CASE("once: where that link is not recorded any more, the answers are recorded here") {
  Rig& rig = fresh_link();
  rig.add_translated("10.0.0.2", 80, "10.0.0.1", 1000);
  rig.set_other_policy(INTERFACE_OFF);
  rig.run(Hook::kTcIngress, answer());
  CHECK(rig.counted(Hook::kTcIngress).written == 1);
}

TEST_CASE("once: on links without that role nothing is looked up") {
  Rig& rig = fresh_link();
  rig.add_translated("10.0.0.2", 80, "10.0.0.1", 1000);
  rig.set_policy(INTERFACE_ALL);
  rig.run(Hook::kTcIngress, answer());
  CHECK(rig.counted(Hook::kTcIngress).written == 1);
}

TEST_CASE("once: what was not recorded where it came in is recorded where it goes out") {
  Rig& rig = fresh_link();
  rig.add_translated("10.0.0.2", 80, "10.0.0.1", 1000);
  rig.run_forwarded(Hook::kTcEgress, question());
  CHECK(rig.counted(Hook::kTcEgress).written == 1);
  CHECK_FALSE(rig.is_translated("10.0.0.2", 80, "10.0.0.1", 1000));  // nor are the answers there
}

TEST_CASE("once: what the host itself sends is recorded where it goes out, and its answers") {
  Rig& rig = fresh_link();
  rig.add_translated("10.0.0.2", 80, "10.0.0.1", 1000);  // a pod had that port before
  rig.run(Hook::kTcEgress, question());
  CHECK(rig.counted(Hook::kTcEgress).written == 1);
  CHECK_FALSE(rig.is_translated("10.0.0.2", 80, "10.0.0.1", 1000));
}

}  // namespace caprock::test
