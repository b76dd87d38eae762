// SPDX-License-Identifier: Apache-2.0
// The real programs on a real device, driven by the user-space half alone.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "abi/block.h"

#include "capture/counters.hpp"
#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/privileges.hpp"
#include "capture/sources.hpp"
#include "core/clock.hpp"
#include "filter/apply.hpp"
#include "network_namespace.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

namespace {

constexpr std::uint32_t kInterfaceId = 5;
constexpr std::size_t kPayloadBytes = 500;
constexpr std::size_t kHeaderBytes = 14 + 20 + 8;

template <class T>
T require(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

filter::Specification specification(const config::Agent& agent) {
  return require(filter::Specification::from(agent));
}

/// UDP to ourselves over loopback.
class LoopbackTraffic {
 public:
  explicit LoopbackTraffic(std::uint16_t port)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_.get(), generic(), sizeof address_) == 0);
  }

  void send(int count) const {
    const std::vector<std::byte> payload(kPayloadBytes);
    for (int i = 0; i < count; ++i) {
      REQUIRE(::sendto(socket_.get(), payload.data(), payload.size(), 0, generic(),
                       sizeof address_) == kPayloadBytes);
    }
  }

 private:
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&address_); }

  sockaddr_in address_{};
  Fd socket_;
};

/// Capture on the loopback device of a namespace.
class LoopbackCapture {
 public:
  explicit LoopbackCapture(Transport transport)
      : programs_(require(Programs::load(
            {.transport = transport, .stage_bytes = 16 << 20, .pin_directory = {}}))),
        counters_(require(Counters::map(*programs_))),
        sources_(require(make_sources(*programs_))),
        applier_(*programs_) {
    REQUIRE(SettingsMap(*programs_).write_wall_offset(wall_offset_ns()));
    const auto devices = require(read_devices());
    const auto lo = select_interfaces(devices, {}).selected.at(0);
    const interface_policy policy{.id = kInterfaceId,
                                  .mode = INTERFACE_MATCH,
                                  .link = LINK_ETHERNET,
                                  .roles = ROLE_INTERFACE,
                                  .port = 0};
    REQUIRE(PolicyMap(*programs_).set(lo.device.ifindex, policy));
    attachment_.emplace(require(DeviceAttachment::attach(
        *programs_, lo, {.tc = require(probe_tc_flavour()), .pin_directory = {}})));
  }

  void set_filter(const config::Agent& agent) {
    const auto applied = applier_.apply(specification(agent), {});
    if (!applied) FAIL(applied.error().message());
  }

  /// Takes all blocks of all CPUs.
  std::vector<epb_head> drain() {
    std::vector<epb_head> blocks;
    for (auto& source : sources_) {
      for (PacketBatch batch = source->peek(); !batch.empty(); batch = source->peek()) {
        for (const BlockPiece& piece : batch.pieces)
          append_blocks(piece.bytes, blocks);
        source->consume(batch.pieces.back().end_position);
      }
    }
    return blocks;
  }

  capture_counters counted() const { return counters_.of(kInterfaceId, CAPROCK_INGRESS); }
  const std::vector<std::unique_ptr<PacketSource>>& sources() const { return sources_; }

 private:
  static void append_blocks(Bytes bytes, std::vector<epb_head>& blocks) {
    while (!bytes.empty()) {
      blocks.push_back(load<epb_head>(bytes));
      bytes = bytes.subspan(blocks.back().total_bytes);
    }
  }

  std::unique_ptr<Programs> programs_;
  Counters counters_;
  std::vector<std::unique_ptr<PacketSource>> sources_;
  filter::Applier applier_;
  std::optional<DeviceAttachment> attachment_;
};

class LoopbackNamespace : public NetworkNamespace {
 public:
  LoopbackNamespace() {
    if (inspect_privileges().severity != Severity::kOk)
      SKIP("needs root: BPF programs cannot be loaded");
    run("ip link set lo up");
  }
};

constexpr Transport kTransports[] = {Transport::kStage, Transport::kRingBuffer};

}  // namespace

TEST_CASE("capture: each packet over loopback is one block, and the counters agree") {
  for (const Transport transport : kTransports) {
    CAPTURE(static_cast<int>(transport));
    const LoopbackNamespace own;
    LoopbackCapture capture(transport);
    capture.set_filter({});
    const LoopbackTraffic traffic(7000);
    traffic.send(300);

    const auto blocks = capture.drain();
    CHECK(blocks.size() == 300);
    for (const epb_head& block : blocks) {
      REQUIRE(block.type == PCAPNG_EPB);
      REQUIRE(block.interface_id == kInterfaceId);
      REQUIRE(block.captured_bytes == kHeaderBytes + kPayloadBytes);
    }
    CHECK(capture.counted().written == 300);
    CHECK(capture.counted().lost == 0);
    CHECK(capture.drain().empty());
  }
}

TEST_CASE("capture: a filter changes live") {
  for (const Transport transport : kTransports) {
    CAPTURE(static_cast<int>(transport));
    const LoopbackNamespace own;
    LoopbackCapture capture(transport);
    const LoopbackTraffic seven(7000);
    const LoopbackTraffic eight(8000);
    const auto recorded = [&](const config::Agent& agent) {
      capture.set_filter(agent);
      seven.send(3);
      eight.send(5);
      return capture.drain().size();
    };
    config::Agent agent;
    CHECK(recorded(agent) == 8);
    agent.ports = {8000};
    CHECK(recorded(agent) == 5);
    agent.addresses = {"127.0.0.0/8"};
    CHECK(recorded(agent) == 5);
    agent.excluded_addresses = {"127.0.0.1"};
    CHECK(recorded(agent) == 0);
    agent = {};
    agent.udp = false;
    CHECK(recorded(agent) == 0);
    CHECK(recorded({}) == 8);
  }
}

TEST_CASE("capture: the programs call for the lane when the queue fills, until that is answered") {
  for (const Transport transport : kTransports) {
    CAPTURE(static_cast<int>(transport));
    const LoopbackNamespace own;
    LoopbackCapture capture(transport);
    capture.set_filter({});
    LoopbackTraffic(7000).send(1);
    pollfd calls[64] = {};
    const auto count = std::min<std::size_t>(std::size(calls), capture.sources().size());
    for (std::size_t cpu = 0; cpu < count; ++cpu)
      calls[cpu] = {.fd = capture.sources()[cpu]->wake_fd(), .events = POLLIN, .revents = 0};
    CHECK(::poll(calls, count, 0) == 0);

    LoopbackTraffic(7001).send(20'000);  // 11 MB
    CHECK(::poll(calls, count, 1000) > 0);
    (void)capture.drain();
    for (auto& source : capture.sources())
      source->clear_wake();
    CHECK(::poll(calls, count, 0) == 0);
  }
}
