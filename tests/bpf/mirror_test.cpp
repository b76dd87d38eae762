// SPDX-License-Identifier: Apache-2.0
// What mirror_xdp does with a packet when there is a socket for its queue, and when not.
#include "abi/mirror.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/socket.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "core/clock.hpp"
#include "core/fd.hpp"
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
    const int fd = fd_.get();
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

}  // namespace caprock::test
