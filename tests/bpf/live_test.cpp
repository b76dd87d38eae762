// SPDX-License-Identifier: Apache-2.0
// What a test run cannot show: packets as the stack makes them, on a loopback device of our own.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/block.h"

#include "expected_block.hpp"
#include "private_network.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

constexpr std::uint32_t kInbound = 1;
constexpr std::uint32_t kOutbound = 2;

void send_frame(const ByteVector& frame) {
  const Fd socket(::socket(AF_PACKET, SOCK_RAW, 0));
  sockaddr_ll loopback{};
  loopback.sll_family = AF_PACKET;
  loopback.sll_ifindex = 1;
  REQUIRE(::sendto(socket.get(), frame.data(), frame.size(), 0,
                   reinterpret_cast<sockaddr*>(&loopback),
                   sizeof loopback) == static_cast<ssize_t>(frame.size()));
}

std::uint32_t flags_of(const ByteVector& block) {
  return load<std::uint32_t>(block, 28 + round_up(captured_bytes(block), 4) + 4);
}

Bytes packet_of(const ByteVector& block) {
  return Bytes(block).subspan(28, captured_bytes(block));
}

/// What a TCP packet over IPv4 carries.
Bytes tcp_payload(Bytes packet) {
  const std::size_t tcp = ETH_HLEN + 20;
  return packet.subspan(tcp + (std::to_integer<std::size_t>(packet[tcp + 12]) >> 4) * 4);
}

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Sends `data` over a TCP connection and has it read on the other side.
void transfer(const ByteVector& data) {
  const sockaddr_in address = loopback_address(4000);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::bind(listener.get(), name, sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  const Fd sender(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::connect(sender.get(), name, sizeof address) == 0);
  const Fd receiver(::accept(listener.get(), nullptr, nullptr));
  std::thread reading([&] {
    ByteVector rest(data.size());
    ::recv(receiver.get(), rest.data(), rest.size(), MSG_WAITALL);
  });
  CHECK(::send(sender.get(), data.data(), data.size(), 0) == static_cast<ssize_t>(data.size()));
  reading.join();
}

}  // namespace

TEST_CASE("live: the tag that the kernel takes out of the bytes is back in the record") {
  const auto transport = GENERATE(Transport::kStage, Transport::kRingBuffer);
  const ByteVector frame =
      GENERATE(packet().ethernet().vlan(0x6005).ipv4().udp().payload(30).bytes(),
               packet().ethernet().vlan(7, 0x88a8).vlan(5).ipv6().tcp().payload(11).bytes());
  Rig& rig = Rig::fresh(transport);
  const PrivateNetwork network(rig.programs());
  send_frame(frame);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 2);  // out, and in again
  CHECK(blocks[0] == block_bytes({.packet = frame, .flags = kOutbound}, blocks[0]));
  CHECK(blocks[1] == block_bytes({.packet = frame, .flags = kInbound}, blocks[1]));
}

TEST_CASE("live: a tag more than we follow counts with the one that the kernel took") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const PrivateNetwork network(rig.programs());
  send_frame(packet().ethernet().vlan(1).vlan(2).vlan(3).ipv4().udp());
  CHECK(rig.counted(Hook::kTcIngress).not_l4 == 1);
}

TEST_CASE("live: TCP segments of up to 64 KiB are recorded whole, marked, and in order") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const PrivateNetwork network(rig.programs());
  const ByteVector data = packet().payload(700'000);
  transfer(data);

  ByteVector seen;
  std::uint32_t flags = 0, longest = 0;
  for (const ByteVector& block : rig.take_blocks()) {
    const Bytes payload = tcp_payload(packet_of(block));
    if (!(flags_of(block) & kOutbound) || payload.empty()) continue;
    flags |= flags_of(block);
    longest = std::max(longest, captured_bytes(block));
    seen.insert(seen.end(), payload.begin(), payload.end());
  }
  CHECK((seen == data));  // too long to print
  CHECK((flags & EPB_SEGMENTATION_OFFLOAD) != 0);
  CHECK(longest > 40'000);
  CHECK(rig.counted(Hook::kTcEgress).lost == 0);
  CHECK(rig.counted(Hook::kTcEgress).truncated == 0);
}

}  // namespace caprock::test
