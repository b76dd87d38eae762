// SPDX-License-Identifier: Apache-2.0
#include "export/packet_flow.hpp"

#include <arpa/inet.h>

#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock;
using namespace caprock::exporting;

namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> result;
  for (const int value : values)
    result.push_back(static_cast<std::byte>(value));
  return result;
}

std::vector<std::byte> joined(std::initializer_list<std::vector<std::byte>> parts) {
  std::vector<std::byte> all;
  for (const auto& part : parts)
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

const std::vector<std::byte> kMacs(12, std::byte{2});
const auto kTag = bytes({0x81, 0x00, 0x00, 0x05});
const auto kPorts = bytes({0x0f, 0xa0, 0x00, 0x50});  // 4000, 80

std::vector<std::byte> ipv4(int protocol, int fragment = 0, int words = 5) {
  auto head = bytes({0x08,
                     0x00,
                     0x40 | words,
                     0,
                     0,
                     60,
                     0,
                     0,
                     fragment >> 8,
                     fragment & 0xff,
                     64,
                     protocol,
                     0,
                     0,
                     10,
                     0,
                     0,
                     1,
                     10,
                     0,
                     0,
                     2});
  head.resize(head.size() + static_cast<std::size_t>(words - 5) * 4);
  return head;
}

std::vector<std::byte> ipv6(int next) {
  auto head = bytes({0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, next, 64});
  head.resize(head.size() + 32, std::byte{0xfd});
  return head;
}

}  // namespace

TEST_CASE("packet flow: of TCP and UDP over IPv4 with options and a tag") {
  const int protocol = GENERATE(6, 17);
  const auto flow = flow_of(joined({kMacs, kTag, ipv4(protocol, 0x4000, 7), kPorts}));
  REQUIRE(flow);
  CHECK(flow->protocol == protocol);
  CHECK(flow->source.port == 4000);
  CHECK(flow->destination.port == 80);
  CHECK(flow->source.address[10] == std::byte{0xff});
  CHECK(flow->source.address[15] == std::byte{1});
  CHECK(flow->destination.address[15] == std::byte{2});
}

TEST_CASE("packet flow: of TCP and UDP over IPv6") {
  const int protocol = GENERATE(6, 17);
  const auto flow = flow_of(joined({kMacs, ipv6(protocol), kPorts}));
  REQUIRE(flow);
  CHECK(flow->protocol == protocol);
  CHECK(flow->source.port == 4000);
  CHECK(flow->source.address[0] == std::byte{0xfd});
}

TEST_CASE("packet flow: of all else there is none, nor of what is cut off") {
  CHECK_FALSE(flow_of(joined({kMacs, ipv4(1), kPorts})));
  CHECK_FALSE(flow_of(joined({kMacs, ipv4(6, 100), kPorts})));
  CHECK_FALSE(flow_of(joined({kMacs, ipv4(17, 0x2001), kPorts})));
  CHECK_FALSE(flow_of(joined({kMacs, ipv6(44), kPorts})));
  CHECK_FALSE(flow_of(joined({kMacs, bytes({0x08, 0x06}), kPorts})));
  for (const auto& whole :
       {joined({kMacs, kTag, ipv4(6, 0, 7), kPorts}), joined({kMacs, ipv6(17), kPorts})}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      CHECK_FALSE(flow_of(Bytes(whole).first(size)));
  }
}

TEST_CASE("packet flow: the first fragment has the ports") {
  CHECK(flow_of(joined({kMacs, ipv4(17, 0x2000), kPorts})));
}

TEST_CASE("packet flow: kinds of addresses") {
  const auto is = [](const char* text, bool (*kind)(const Address&)) {
    Address address;
    REQUIRE(inet_pton(AF_INET6, text, address.data()) == 1);
    return kind(address);
  };
  CHECK(is("::ffff:1.2.3.4", is_ipv4));
  CHECK_FALSE(is("::1.2.3.4", is_ipv4));
  CHECK(is("::ffff:0.0.0.0", is_unspecified));
  CHECK(is("::", is_unspecified));
  CHECK_FALSE(is("::ffff:0.0.0.1", is_unspecified));
  CHECK(is("::ffff:127.1.2.3", is_loopback));
  CHECK(is("::1", is_loopback));
  CHECK_FALSE(is("::ffff:128.0.0.1", is_loopback));
  CHECK_FALSE(is("::2", is_loopback));
  CHECK(is("::ffff:224.0.0.251", is_multicast));
  CHECK(is("::ffff:255.255.255.255", is_multicast));
  CHECK(is("ff02::fb", is_multicast));
  CHECK_FALSE(is("::ffff:223.0.0.1", is_multicast));
  CHECK_FALSE(is("fe80::1", is_multicast));
}
