// SPDX-License-Identifier: Apache-2.0
// What a test run cannot show: packets as the stack makes them, on a loopback device of our own.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/block.h"

#include "core/mapping.hpp"
#include "expected_block.hpp"
#include "private_network.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

constexpr std::uint32_t kInbound = 1;
constexpr std::uint32_t kOutbound = 2;

sockaddr_ll loopback_device() {
  sockaddr_ll device{};
  device.sll_family = AF_PACKET;
  device.sll_ifindex = 1;
  return device;
}

void send_frame(const ByteVector& frame) {
  const Fd socket(::socket(AF_PACKET, SOCK_RAW, 0));
  const sockaddr_ll loopback = loopback_device();
  REQUIRE(::sendto(socket.get(), frame.data(), frame.size(), 0,
                   reinterpret_cast<const sockaddr*>(&loopback),
                   sizeof loopback) == static_cast<ssize_t>(frame.size()));
}

/// Sends by a packet ring, which leaves all but the Ethernet header in pages, where programs cannot
/// read it directly.
void send_paged_frame(const ByteVector& frame) {
  const Fd socket(::socket(AF_PACKET, SOCK_RAW, 0));
  const int version = TPACKET_V2;
  REQUIRE(::setsockopt(socket.get(), SOL_PACKET, PACKET_VERSION, &version, sizeof version) == 0);
  const tpacket_req ring{
      .tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 4096, .tp_frame_nr = 1};
  REQUIRE(::setsockopt(socket.get(), SOL_PACKET, PACKET_TX_RING, &ring, sizeof ring) == 0);
  const auto memory = Mapping::shared(socket.get(), ring.tp_block_size, PROT_READ | PROT_WRITE);
  REQUIRE(memory);
  auto* const header = reinterpret_cast<tpacket2_hdr*>(memory->data());
  header->tp_len = static_cast<std::uint32_t>(frame.size());
  std::copy(frame.begin(), frame.end(), memory->data() + TPACKET2_HDRLEN - sizeof(sockaddr_ll));
  header->tp_status = TP_STATUS_SEND_REQUEST;
  const sockaddr_ll loopback = loopback_device();
  REQUIRE(::sendto(socket.get(), nullptr, 0, 0, reinterpret_cast<const sockaddr*>(&loopback),
                   sizeof loopback) == static_cast<ssize_t>(frame.size()));
}

std::uint32_t flags_of(const ByteVector& block) {
  return load<std::uint32_t>(block, 28 + round_up(captured_bytes(block), 4) + 4);
}

Bytes packet_of(const ByteVector& block) {
  return Bytes(block).subspan(28, captured_bytes(block));
}

struct TcpSegment {
  std::uint32_t sequence = 0;
  Bytes payload;
};

TcpSegment tcp_segment(Bytes packet) {
  const Bytes tcp = packet.subspan(ETH_HLEN + 20);
  const std::size_t header_bytes = (std::to_integer<std::size_t>(tcp[12]) >> 4) * 4;
  return {.sequence = ntohl(load<std::uint32_t>(tcp, 4)), .payload = tcp.subspan(header_bytes)};
}

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Sends `data` as one datagram train that is cut into packets of `segment_bytes` only behind the
/// hooks.
void send_segmented_udp(const ByteVector& data, int segment_bytes) {
  const sockaddr_in address = loopback_address(4000);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  const Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
  REQUIRE(::bind(receiver.get(), name, sizeof address) == 0);
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  REQUIRE(::setsockopt(sender.get(), SOL_UDP, UDP_SEGMENT, &segment_bytes, sizeof segment_bytes) ==
          0);
  REQUIRE(::sendto(sender.get(), data.data(), data.size(), 0, name, sizeof address) ==
          static_cast<ssize_t>(data.size()));
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

TEST_CASE("live: a packet whose headers cannot be read directly is recorded like any other") {
  const auto transport = GENERATE(Transport::kStage, Transport::kRingBuffer);
  const ByteVector frame =
      GENERATE(packet().ethernet().ipv4().tcp(1, 2, 12).payload(900).bytes(),
               packet().ethernet().ipv6().extension(0).extension(60, 200).udp().payload(9).bytes());
  Rig& rig = Rig::fresh(transport);
  const PrivateNetwork network(rig.programs());
  send_paged_frame(frame);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0] == block_bytes({.packet = frame, .flags = kOutbound}, blocks[0]));
  CHECK(blocks[1] == block_bytes({.packet = frame, .flags = kInbound}, blocks[1]));
}

TEST_CASE("live: a packet whose headers cannot be read directly and are cut off is malformed") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const PrivateNetwork network(rig.programs());
  send_paged_frame(cut(packet().ethernet().ipv4().tcp(), 50));
  CHECK(rig.counted(Hook::kTcEgress).malformed == 1);
}

TEST_CASE("live: a packet of 64 KiB that the device is to segment is recorded whole, and marked") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const PrivateNetwork network(rig.programs());
  const ByteVector data = packet().payload(64'000);
  send_segmented_udp(data, 1000);
  const auto blocks = rig.take_blocks();
  REQUIRE(!blocks.empty());
  const Bytes sent = packet_of(blocks[0]);
  REQUIRE(sent.size() == ETH_HLEN + 20 + 8 + data.size());
  CHECK(
      std::equal(data.begin(), data.end(), sent.end() - static_cast<std::ptrdiff_t>(data.size())));
  CHECK(flags_of(blocks[0]) == (kOutbound | EPB_SEGMENTATION_OFFLOAD));
}

TEST_CASE("live: the segments of a TCP transfer are recorded whole") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const PrivateNetwork network(rig.programs());
  const ByteVector data = packet().payload(700'000);
  transfer(data);

  ByteVector seen(data.size());
  std::optional<std::uint32_t> start;
  for (const ByteVector& block : rig.take_blocks()) {
    const TcpSegment segment = tcp_segment(packet_of(block));
    if (!(flags_of(block) & kOutbound) || segment.payload.empty()) continue;
    if (!start) start = segment.sequence;
    const std::uint32_t offset = segment.sequence - *start;  // the stack may send something twice
    REQUIRE(offset + segment.payload.size() <= seen.size());
    std::copy(segment.payload.begin(), segment.payload.end(), seen.begin() + offset);
  }
  CHECK((seen == data));  // too long to print
  CHECK(rig.counted(Hook::kTcEgress).lost == 0);
  CHECK(rig.counted(Hook::kTcEgress).truncated == 0);
}

}  // namespace caprock::test
