// SPDX-License-Identifier: Apache-2.0
// What mirror_xdp does with a packet when there is a socket for its queue, and when not.
#include "abi/mirror.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "core/clock.hpp"
#include "core/fd.hpp"
#include "expected_block.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::Transport;

/// A socket in the map, for queue 0 of the rig's port. It is not bound: nothing gets there.
class Socket {
 public:
  explicit Socket(const capture::Programs& programs)
      : map_(programs.map_fd("mirror_sockets")), fd_(::socket(AF_XDP, SOCK_RAW, 0)) {
    if (!fd_) SKIP("this kernel has no AF_XDP");
    const int fd = fd_.get(), packets = 64;  // newer kernels want one with a ring to receive
    REQUIRE(::setsockopt(fd, SOL_XDP, XDP_RX_RING, &packets, sizeof packets) == 0);
    REQUIRE(bpf_map_update_elem(map_, &kIndex, &fd, BPF_ANY) == 0);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { bpf_map_delete_elem(map_, &kIndex); }

 private:
  static constexpr __u32 kIndex = Rig::kPort * CAPROCK_PORT_QUEUES;
  int map_;
  Fd fd_;
};

/// The packet behind its metadata, as it is redirected. Kernels before 5.14 do not show metadata.
ByteVector redirected(Rig& rig, const ByteVector& packet) {
  ByteVector out(packet.size() + 256);
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(), .data_out = out.data(),
              .data_size_in = static_cast<__u32>(packet.size()),
              .data_size_out = static_cast<__u32>(out.size()), .repeat = 1);
  REQUIRE(bpf_prog_test_run_opts(rig.programs().mirror_fd(), &run) == 0);
  REQUIRE(run.retval == XDP_REDIRECT);
  out.resize(run.data_size_out);
  return out;
}

mirror_head head_of(const ByteVector& redirected) {
  return load<mirror_head>(redirected);
}

bool shows_metadata(const ByteVector& redirected, const ByteVector& packet) {
  return redirected.size() == packet.size() + sizeof(mirror_head);
}

ByteVector udp(std::size_t payload_bytes) {
  return packet().ethernet().ipv4().udp().payload(payload_bytes);
}

/// `inner` in VXLAN, in UDP behind what `outer` begins with.
ByteVector vxlan(PacketBuilder outer, const ByteVector& inner) {
  constexpr std::byte kHasNetwork{0x08};
  const ByteVector header = {kHasNetwork, {}, {}, {}, {}, {}, std::byte{42}, {}};
  return outer.udp(49152, Rig::kVxlanPort).payload(Bytes(header)).payload(Bytes(inner));
}

}  // namespace

TEST_CASE(
    "mirror: a packet for a queue with a socket is redirected, the head of its block in front") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Socket socket(rig.programs());
  const ByteVector sent = udp(700);
  const ByteVector out = redirected(rig, sent);
  CHECK(rig.take_blocks().empty());
  CHECK(rig.counted(Hook::kMirror).redirected == 1);
  CHECK(rig.counted(Hook::kMirror).written == 0);
  if (!shows_metadata(out, sent)) SKIP("this kernel does not show the metadata");
  const mirror_head head = head_of(out);
  CHECK(std::equal(sent.begin(), sent.end(), out.begin() + sizeof head));
  CHECK(head.dropped == 0);
  CHECK(head.block.type == PCAPNG_EPB);
  CHECK(head.block.interface_id == Rig::kInterface);
  CHECK(head.block.captured_bytes == sent.size());
  CHECK(head.block.original_bytes == sent.size());
  const auto time_ns =
      static_cast<std::int64_t>(std::uint64_t{head.block.time_high} << 32 | head.block.time_low);
  CHECK(time_ns <= wall_ns());
  CHECK(time_ns > wall_ns() - 1'000'000'000);
}

TEST_CASE("mirror: of a packet in VXLAN the inner one goes to the socket") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Socket socket(rig.programs());
  const ByteVector inner = udp(700);
  const ByteVector out = redirected(rig, vxlan(packet().ethernet().ipv4(), inner));
  CHECK(rig.counted(Hook::kMirror).redirected == 1);
  if (!shows_metadata(out, inner)) SKIP("this kernel does not show the metadata");
  CHECK(std::equal(inner.begin(), inner.end(), out.begin() + sizeof(mirror_head)));
  CHECK(head_of(out).block.captured_bytes == inner.size());
  CHECK(head_of(out).block.original_bytes == inner.size());
}

TEST_CASE("mirror: the packet inside VXLAN is recorded, whatever is around it") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector inner = GENERATE(
      ByteVector(packet().ethernet().vlan(7).ipv6().tcp().payload(1300)), udp(1), udp(9000));
  const ByteVector outer = vxlan(
      GENERATE(packet().ethernet().ipv4(), packet().ethernet().ipv4("10.9.0.1", "10.9.0.2", 40),
               packet().ethernet().vlan(5).ipv6(),
               packet().ethernet().vlan(6, 0x88a8).vlan(5).ipv4()),
      inner);
  constexpr std::size_t kOnePage = 3000;  // with what the kernel keeps around it
  if (outer.size() > kOnePage && !rig.runs(Hook::kMirror, outer))
    SKIP("this kernel has no XDP for packets of several pages");
  const std::uint64_t before = rig.counted(Hook::kMirror).captured_bytes;
  rig.run(Hook::kMirror, outer);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(blocks.front() == block_bytes({.packet = inner}, blocks.front()));
  CHECK(rig.counted(Hook::kMirror).captured_bytes - before == inner.size());
}

TEST_CASE("mirror: the filter applies to the packet inside VXLAN") {
  Rig& rig = Rig::fresh(Transport::kStage);
  rig.set_flags(SETTINGS_TCP);
  rig.run(Hook::kMirror, vxlan(packet().ethernet().ipv4(), udp(10)));
  rig.run(Hook::kMirror,
          vxlan(packet().ethernet().ipv4(), packet().ethernet().type(0x88cc).payload(40)));
  rig.run(Hook::kMirror, vxlan(packet().ethernet().ipv4(), packet().ethernet().ipv4().tcp()));
  CHECK(rig.take_blocks().size() == 1);
  CHECK(rig.counted(Hook::kMirror).filtered == 1);
  CHECK(rig.counted(Hook::kMirror).not_l4 == 1);
}

TEST_CASE("mirror: what only resembles VXLAN is recorded as it comes") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const ByteVector whole = vxlan(packet().ethernet().ipv4(), udp(10));
  const std::size_t header = ByteVector(packet().ethernet().ipv4().udp()).size();
  const ByteVector sent = GENERATE_COPY(
      patch8(whole, header, 0),  // no network
      ByteVector(packet().ethernet().ipv4().udp(1000, Rig::kVxlanPort).payload(7)),
      ByteVector(packet().ethernet().ipv4().udp(1000, Rig::kVxlanPort + 1).payload(80)),
      ByteVector(packet().ethernet().ipv4().udp(Rig::kVxlanPort, 1000).payload(80)),
      ByteVector(packet().ethernet().ipv4().tcp(1000, Rig::kVxlanPort).payload(80)),
      ByteVector(
          packet().ethernet().ipv4().fragmented(0, true).udp(1000, Rig::kVxlanPort).payload(80)));
  rig.run(Hook::kMirror, sent);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(blocks.front() == block_bytes({.packet = sent}, blocks.front()));
}

TEST_CASE("mirror: the snaplen is in the head of a redirected packet") {
  Rig& rig = Rig::fresh(Transport::kStage);
  const Socket socket(rig.programs());
  auto settings = rig.settings();
  settings.snaplen = 100;
  rig.set_settings(settings);
  const ByteVector out = redirected(rig, udp(700));
  if (!shows_metadata(out, udp(700))) SKIP("this kernel does not show the metadata");
  CHECK(head_of(out).block.captured_bytes == 100);
  CHECK(head_of(out).block.original_bytes == udp(700).size());
}

TEST_CASE(
    "mirror: the longest packet for a socket is redirected, a longer one goes into the stage") {
  Rig& rig = Rig::fresh(GENERATE(Transport::kStage, Transport::kRingBuffer));
  const Socket socket(rig.programs());
  const std::size_t headers = udp(0).size();
  redirected(rig, udp(MIRROR_PACKET_BYTES - headers));
  rig.run(Hook::kMirror, udp(MIRROR_PACKET_BYTES - headers + 1));
  CHECK(rig.take_blocks().size() == 1);
  CHECK(rig.counted(Hook::kMirror).redirected == 1);
  CHECK(rig.counted(Hook::kMirror).written == 1);
}

TEST_CASE("mirror: what is not wanted is dropped and counted, socket or not") {
  Rig& rig = Rig::fresh(Transport::kStage);
  const Socket socket(rig.programs());
  rig.set_flags(SETTINGS_TCP);
  rig.run(Hook::kMirror, udp(10));
  rig.run(Hook::kMirror, packet().ethernet().type(0x88cc).payload(40));
  CHECK(rig.take_blocks().empty());
  CHECK(rig.counted(Hook::kMirror).filtered == 1);
  CHECK(rig.counted(Hook::kMirror).not_l4 == 1);
  CHECK(rig.counted(Hook::kMirror).redirected == 0);
}

TEST_CASE("mirror: what was lost before is told by one packet that is redirected") {
  Rig& rig = Rig::fresh(Transport::kStage);
  rig.run(Hook::kMirror, udp(1000), 20'000);  // more than the stage holds
  const std::uint64_t lost = rig.counted(Hook::kMirror).lost;
  REQUIRE(lost > 0);
  const Socket socket(rig.programs());
  const ByteVector first = redirected(rig, udp(10));
  const ByteVector second = redirected(rig, udp(10));
  CHECK(rig.counted(Hook::kMirror).lost_handed == lost);
  if (!shows_metadata(first, udp(10))) SKIP("this kernel does not show the metadata");
  CHECK(head_of(first).dropped == lost);
  CHECK(head_of(second).dropped == 0);
}

TEST_CASE("mirror: what a redirected packet told is not told again when the port goes on by tc") {
  Rig& rig = Rig::fresh(Transport::kStage);
  rig.run(Hook::kMirror, udp(1000), 20'000);  // more than the stage holds
  REQUIRE(rig.counted(Hook::kMirror).lost > 0);
  {
    const Socket socket(rig.programs());
    redirected(rig, udp(10));
  }
  rig.take_blocks();
  const std::uint64_t told = rig.counted(Hook::kMirror).lost_reported;
  rig.run(Hook::kTcIngress, udp(10));
  CHECK(rig.counted(Hook::kTcIngress).lost_reported == told);
  const auto blocks = rig.take_blocks();
  REQUIRE(blocks.size() == 1);
  CHECK(blocks.front() == block_bytes({.packet = udp(10)}, blocks.front()));
}

}  // namespace caprock::test
