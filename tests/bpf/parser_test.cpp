// SPDX-License-Identifier: Apache-2.0
// What the parser takes for a TCP or UDP packet, on every hook and over both transports.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "expected_block.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

struct Case {
  const char* description;
  ByteVector packet;
  std::size_t needed_bytes = packet.size();  // with fewer it is malformed
};

/// The shortest packet that the kernel runs a tc program on depends on its type.
std::size_t least_bytes(Hook hook, const ByteVector& packet) {
  const std::uint16_t type = ntohs(load<std::uint16_t>(packet, 12));
  if (hook != Hook::kXdp && type == ETH_P_IP) return ETH_HLEN + 20;
  if (hook != Hook::kXdp && type == ETH_P_IPV6) return ETH_HLEN + 40;
  return ETH_HLEN;
}

ByteVector quoted_udp(std::size_t bytes) {
  return cut(packet().ipv4("10.0.0.2", "10.0.0.1").udp().payload(400), bytes);
}

ByteVector quoted_tcp6(std::size_t bytes) {
  return cut(packet().ipv6("fd00::2", "fd00::1").tcp().payload(400), bytes);
}

std::vector<Case> recorded() {
  return {
      {"TCP over IPv4", packet().ethernet().ipv4().tcp().payload(100)},
      {"TCP with options", packet().ethernet().ipv4().tcp(1, 2, 40).payload(1)},
      {"TCP without payload", packet().ethernet().ipv4().tcp()},
      {"UDP over IPv4", packet().ethernet().ipv4().udp().payload(33)},
      {"a frame padded to the Ethernet minimum", packet().ethernet().ipv4().tcp().trailer(6), 54},
      {"IPv4 options", packet().ethernet().ipv4("10.0.0.1", "10.0.0.2", 40).udp().payload(7)},
      {"TCP over IPv6", packet().ethernet().ipv6().tcp().payload(1300)},
      {"UDP over IPv6", packet().ethernet().ipv6().udp().payload(2)},
      {"a VLAN tag", packet().ethernet().vlan(5).ipv4().tcp().payload(9)},
      {"QinQ", packet().ethernet().vlan(7, 0x88a8).vlan(5).ipv6().udp().payload(9)},
      {"hop-by-hop options", packet().ethernet().ipv6().extension(0).tcp().payload(9)},
      {"a routing header", packet().ethernet().ipv6().extension(43, 16).tcp().payload(9)},
      {"destination options of 800 bytes",
       packet().ethernet().ipv6().extension(60, 800).udp().payload(9)},
      {"an authentication header", packet().ethernet().ipv6().authentication().tcp().payload(9)},
      {"a fragment header of a whole packet",
       packet().ethernet().ipv6().ipv6_fragment(0, false).tcp()},
      {"eight extension headers", packet()
                                      .ethernet()
                                      .ipv6()
                                      .extension(0)
                                      .extension(60)
                                      .extension(60)
                                      .extension(60)
                                      .extension(60)
                                      .extension(60)
                                      .extension(43)
                                      .extension(60)
                                      .tcp()
                                      .payload(5)},
      {"the first fragment of an IPv4 datagram",
       packet().ethernet().ipv4().fragmented(0, true).udp().payload(64)},
      {"a first fragment that cuts the TCP header",
       packet().ethernet().ipv4().fragmented(0, true).protocol(IPPROTO_TCP).payload(8)},
      {"a later IPv4 fragment, which has no L4 header",
       packet().ethernet().ipv4().fragmented(8, true).protocol(IPPROTO_UDP).payload(3)},
      {"the last IPv4 fragment",
       packet().ethernet().ipv4().fragmented(99, false).protocol(IPPROTO_TCP).payload(1)},
      {"the first IPv6 fragment",
       packet().ethernet().ipv6().ipv6_fragment(0, true).udp().payload(64)},
      {"a later IPv6 fragment",
       packet().ethernet().ipv6().ipv6_fragment(8, true).protocol(IPPROTO_TCP).payload(3)},
      {"destination unreachable about UDP",
       packet().ethernet().ipv4().icmp(3).payload(quoted_udp(28))},
      {"destination unreachable with a longer quote",
       packet().ethernet().ipv4().icmp(3).payload(quoted_udp(300))},
      {"time exceeded about TCP",
       packet().ethernet().ipv4().icmp(11).payload(cut(packet().ipv4().tcp(), 28))},
      {"packet too big about TCP over IPv6",
       packet().ethernet().ipv6().icmp(2).payload(quoted_tcp6(400))},
      {"an ICMPv6 error that quotes extension headers",
       packet().ethernet().ipv6().icmp(1).payload(packet().ipv6().extension(60).udp().bytes())},
      {"an error about a later fragment",
       packet().ethernet().ipv4().icmp(11).payload(
           packet().ipv4().fragmented(8, false).protocol(IPPROTO_UDP).payload(8).bytes())},
  };
}

std::vector<Case> not_l4() {
  return {
      {"ARP", packet().ethernet().type(0x0806).payload(46)},
      {"an 802.3 frame with a length", packet().ethernet().type(40).payload(46)},
      {"three VLAN tags", packet().ethernet().vlan(1).vlan(2).vlan(3).ipv4().tcp()},
      {"SCTP", packet().ethernet().ipv4().protocol(IPPROTO_SCTP).payload(40)},
      {"no next header", packet().ethernet().ipv6().protocol(IPPROTO_NONE).payload(8)},
      {"ESP", packet().ethernet().ipv6().protocol(IPPROTO_ESP).payload(40)},
      {"TCP in an IP tunnel: only the outermost counts", packet().ethernet().ipv4().ipv4().tcp()},
      {"a ping", packet().ethernet().ipv4().icmp(8).payload(56)},
      {"an ICMPv6 neighbour solicitation", packet().ethernet().ipv6().icmp(135).payload(24)},
      {"an error about a ping",
       packet().ethernet().ipv4().icmp(3).payload(packet().ipv4().icmp(8).bytes())},
      {"a later fragment of ICMP",
       packet().ethernet().ipv4().fragmented(8, false).protocol(IPPROTO_ICMP).payload(8)},
      {"nine extension headers", packet()
                                     .ethernet()
                                     .ipv6()
                                     .extension(0)
                                     .extension(60)
                                     .extension(60)
                                     .extension(60)
                                     .extension(60)
                                     .extension(60)
                                     .extension(43)
                                     .extension(60)
                                     .extension(60)
                                     .tcp()
                                     .payload(5)},
  };
}

std::vector<Case> malformed() {
  const ByteVector tcp4 = packet().ethernet().ipv4().tcp().payload(10);
  const ByteVector tcp6 = packet().ethernet().ipv6().tcp().payload(10);
  const ByteVector udp = packet().ethernet().ipv4().udp().payload(10);
  return {
      {"an IPv4 header that says version 5", patch8(tcp4, 14, 0x55)},
      {"an IPv4 header shorter than 20 bytes", patch8(tcp4, 14, 0x44)},
      {"an IPv4 header longer than its packet", patch16(patch8(tcp4, 14, 0x4f), 16, 40)},
      {"an IPv4 total length below its header", patch16(tcp4, 16, 19)},
      {"an IPv4 total length beyond the frame", patch16(tcp4, 16, 51)},
      {"an IPv4 total length of 0 in a small packet", patch16(tcp4, 16, 0)},
      {"TCP beyond the IPv4 total length", patch16(tcp4, 16, 39)},
      {"an IPv6 header that says version 4", patch8(tcp6, 14, 0x40)},
      {"an IPv6 payload beyond the frame", patch16(tcp6, 18, 31)},
      {"an IPv6 payload of 0 in a small packet", patch16(tcp6, 18, 0)},
      {"a TCP header below 20 bytes", patch8(tcp4, 46, 0x40)},
      {"a TCP header beyond its packet", patch8(tcp4, 46, 0xf0)},
      {"a UDP length below its header", patch16(udp, 38, 7)},
      {"a UDP length beyond its packet", patch16(udp, 38, 19)},
      {"a UDP length of 0 in a small packet", patch16(udp, 38, 0)},
      {"an extension header beyond its packet",
       patch8(packet().ethernet().ipv6().extension(60).tcp(), 14 + 40 + 1, 200)},
      {"an ICMP error whose quote ends before the ports",
       packet().ethernet().ipv4().icmp(3).payload(quoted_udp(27))},
      {"an ICMP error without a quote", packet().ethernet().ipv4().icmp(3)},
      {"a first fragment without ports",
       packet().ethernet().ipv4().fragmented(0, true).protocol(IPPROTO_UDP).payload(7)},
  };
}

}  // namespace

TEST_CASE("parser: TCP and UDP in every wrapping are recorded whole") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kTcEgress, Hook::kXdp);
  for (const Case& each : recorded()) {
    INFO(each.description << ", " << hook);
    const auto before = rig.counted(hook);
    rig.run(hook, each.packet);
    const auto blocks = rig.take_blocks();
    REQUIRE(blocks.size() == 1);
    const ExpectedBlock expected{.packet = each.packet, .flags = hook == Hook::kTcEgress ? 2u : 1u};
    CHECK(blocks[0] == block_bytes(expected, blocks[0]));
    CHECK(rig.counted(hook).written == before.written + 1);
  }
}

TEST_CASE("parser: what is neither TCP nor UDP is counted and not recorded") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kXdp);
  for (const Case& each : not_l4()) {
    INFO(each.description << ", " << hook);
    const auto before = rig.counted(hook);
    rig.run(hook, each.packet);
    CHECK(rig.take_blocks().empty());
    CHECK(rig.counted(hook).not_l4 == before.not_l4 + 1);
  }
}

TEST_CASE("parser: headers that contradict each other are counted as malformed") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kXdp);
  for (const Case& each : malformed()) {
    INFO(each.description << ", " << hook);
    const auto before = rig.counted(hook);
    rig.run(hook, each.packet);
    CHECK(rig.take_blocks().empty());
    CHECK(rig.counted(hook).malformed == before.malformed + 1);
  }
}

TEST_CASE("parser: a packet cut off at any byte is malformed, whatever its layers") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kXdp);
  for (const Case& each : recorded()) {
    for (std::size_t size = least_bytes(hook, each.packet); size < each.needed_bytes; ++size) {
      INFO(each.description << " cut off at " << size << ", " << hook);
      const auto before = rig.counted(hook);
      rig.run(hook, cut(each.packet, size));
      CHECK(rig.take_blocks().empty());
      CHECK(rig.counted(hook).malformed == before.malformed + 1);
    }
  }
}

TEST_CASE("parser: on a device without a link layer the record gets an Ethernet header") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Hook hook = GENERATE(Hook::kTcIngress, Hook::kTcEgress);
  rig.set_policy(INTERFACE_ALL, LINK_IP);
  const auto [bare, type] =
      GENERATE(std::pair<ByteVector, std::uint16_t>{packet().ipv4().tcp().payload(21), 0x0800},
               std::pair<ByteVector, std::uint16_t>{packet().ipv6().udp().payload(40), 0x86dd},
               std::pair<ByteVector, std::uint16_t>{
                   packet().ipv6().icmp(1).payload(quoted_tcp6(60)), 0x86dd});
  ByteVector framed(12);
  framed.resize(14);
  framed = patch16(framed, 12, type);
  framed.insert(framed.end(), bare.begin(), bare.end());

  rig.run(hook, bare);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0] ==
        block_bytes({.packet = framed, .flags = hook == Hook::kTcEgress ? 2u : 1u}, blocks[0]));
}

TEST_CASE("parser: on a device without a link layer what is no IP is counted and not recorded") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  rig.set_policy(INTERFACE_ALL, LINK_IP);
  rig.run(Hook::kTcIngress, ByteVector(60, std::byte{0x20}));
  CHECK(rig.take_blocks().empty());
  CHECK(rig.counted(Hook::kTcIngress).not_l4 == 1);
}

}  // namespace caprock::test
