// SPDX-License-Identifier: Apache-2.0
#include "export/packet_flow.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>

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

TEST_CASE("packet flow: of TCP over IPv4 with options and a tag") {
  const auto flow = tcp_flow_of(joined({kMacs, kTag, ipv4(6, 0x4000, 7), kPorts}));
  REQUIRE(flow);
  CHECK(flow->source.port == 4000);
  CHECK(flow->destination.port == 80);
  CHECK(flow->source.address[10] == std::byte{0xff});
  CHECK(flow->source.address[15] == std::byte{1});
  CHECK(flow->destination.address[15] == std::byte{2});
}

TEST_CASE("packet flow: of TCP over IPv6") {
  const auto flow = tcp_flow_of(joined({kMacs, ipv6(6), kPorts}));
  REQUIRE(flow);
  CHECK(flow->source.port == 4000);
  CHECK(flow->source.address[0] == std::byte{0xfd});
}

TEST_CASE("packet flow: of all else there is none, nor of what is cut off") {
  CHECK_FALSE(tcp_flow_of(joined({kMacs, ipv4(17), kPorts})));
  CHECK_FALSE(tcp_flow_of(joined({kMacs, ipv4(6, 100), kPorts})));
  CHECK_FALSE(tcp_flow_of(joined({kMacs, ipv6(17), kPorts})));
  CHECK_FALSE(tcp_flow_of(joined({kMacs, bytes({0x08, 0x06}), kPorts})));
  for (const auto& whole :
       {joined({kMacs, kTag, ipv4(6, 0, 7), kPorts}), joined({kMacs, ipv6(6), kPorts})}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      CHECK_FALSE(tcp_flow_of(Bytes(whole).first(size)));
  }
}
