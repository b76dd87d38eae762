// SPDX-License-Identifier: Apache-2.0
// Each packet once, on a node whose links are all recorded: every message of a conversation and its
// first packets are in the record once, and all of it with one pair of addresses.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/block.h"

#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/map_handles.hpp"
#include "capture/privileges.hpp"
#include "capture/sources.hpp"
#include "core/clock.hpp"
#include "filter/apply.hpp"
#include "host_routing.hpp"
#include "pin_directory.hpp"
#include "pod_network.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

namespace {

constexpr int kMessages = 10;
constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kIpv6Bytes = 40;

template <class T>
T require(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

/// What the record has of a packet.
struct Packet {
  std::uint32_t interface_id;
  std::set<std::string> ends;  // "10.1.0.2:80"
  bool tcp;
  bool syn;
  std::uint16_t identification;  // of IPv4: TCP sends nothing twice under the same one
  std::string payload;
};

Packet parse(Bytes block) {
  const auto head = load<epb_head>(block);
  const Bytes ip = block.subspan(EPB_HEAD_BYTES, head.captured_bytes).subspan(kEthernetBytes);
  const bool ipv6 = std::to_integer<std::size_t>(ip[0]) >> 4 == 6;
  const Bytes l4 = ip.subspan(ipv6 ? kIpv6Bytes : 4 * (std::to_integer<std::size_t>(ip[0]) & 15));
  const auto end_at = [&](std::size_t address, std::size_t port) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, ip.subspan(address).data(), text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(load<std::uint16_t>(l4.subspan(port))));
  };
  const bool tcp = ip[ipv6 ? 6 : 9] == std::byte{IPPROTO_TCP};
  const std::size_t header = tcp ? 4 * (std::to_integer<std::size_t>(l4[12]) >> 4) : 8;
  const std::size_t total = ntohs(load<std::uint16_t>(ip.subspan(ipv6 ? 4 : 2)));
  const std::size_t l4_bytes = ipv6 ? total : total - (ip.size() - l4.size());
  const Bytes payload = l4.first(l4_bytes).subspan(header);
  return {.interface_id = head.interface_id,
          .ends = {end_at(ipv6 ? 8 : 12, 0), end_at(ipv6 ? 24 : 16, 2)},
          .tcp = tcp,
          .syn = tcp && (l4[13] & std::byte{2}) != std::byte{0},
          .identification = ipv6 ? std::uint16_t{0} : load<std::uint16_t>(ip.subspan(4)),
          .payload = {reinterpret_cast<const char*>(payload.data()), payload.size()}};
}

/// Capture on the node's links to the pods and on its NIC, each with its ifindex as id. With a
/// directory for pins: it stays when this is destroyed, for the next one.
class NodeCapture {
 public:
  explicit NodeCapture(const std::filesystem::path& pins = {})
      : programs_(load_programs(pins)),
        sources_(require(make_sources(*programs_))),
        applier_(*programs_) {
    REQUIRE(SettingsMap(*programs_).write_wall_offset(wall_offset_ns()));
    const DeviceMap devices = require(read_devices());
    InterfaceWishes wishes;
    wishes.overlays = true;
    std::set<std::uint32_t> recorded;
    std::set<std::uint16_t> tunnel_ports;
    for (const SelectedDevice& selected : select_interfaces(devices, wishes).selected) {
      recorded.insert(selected.device.ifindex);
      if (selected.device.tunnel_port != 0) tunnel_ports.insert(selected.device.tunnel_port);
      attachments_.push_back(require(DeviceAttachment::attach(
          *programs_, selected, {.tc = require(probe_tc_flavour()), .pin_directory = pins})));
      attachments_.back().keep();
      set(selected.device.name, INTERFACE_ALL);
    }
    for (const std::uint32_t above : devices_above(devices, recorded))
      set_policy(above, INTERFACE_OFF, ROLE_ONCE);
    REQUIRE(SettingsMap(*programs_).write_tunnel_ports(tunnel_ports));
    REQUIRE(applier_.apply(require(filter::Specification::from({})), {}));
  }

  /// With the roles that its name says it has.
  void set(const std::string& device, interface_mode mode) {
    const bool pod = device.starts_with("pod-");
    set_policy(::if_nametoindex(device.c_str()), mode, pod ? ROLE_ONCE : ROLE_ONCE | ROLE_SHARED);
  }

  std::vector<Packet> drain() {
    std::vector<Packet> packets;
    for (auto& source : sources_) {
      for (PacketBatch batch = source->peek(); !batch.empty(); batch = source->peek()) {
        for (const BlockPiece& piece : batch.pieces) {
          for (Bytes rest = piece.bytes; !rest.empty();
               rest = rest.subspan(load<epb_head>(rest).total_bytes))
            packets.push_back(parse(rest));
        }
        source->consume(batch.pieces.back().end_position);
      }
    }
    return packets;
  }

 private:
  static std::unique_ptr<Programs> load_programs(const std::filesystem::path& pins) {
    if (inspect_privileges().severity != Severity::kOk)
      SKIP("needs root: BPF programs cannot be loaded");
    auto programs = require(
        Programs::load({.stage_bytes = 16 << 20, .recorded_once = true, .pin_directory = pins}));
    programs->keep_pins();
    return programs;
  }

  void set_policy(std::uint32_t ifindex, interface_mode mode, unsigned roles) {
    const interface_policy policy{.id = ifindex,
                                  .mode = static_cast<std::uint8_t>(mode),
                                  .link = LINK_ETHERNET,
                                  .roles = static_cast<std::uint8_t>(ROLE_INTERFACE | roles),
                                  .port = 0};
    REQUIRE(PolicyMap(*programs_).set(ifindex, policy));
  }

  std::unique_ptr<Programs> programs_;
  std::vector<std::unique_ptr<PacketSource>> sources_;
  filter::Applier applier_;
  std::vector<DeviceAttachment> attachments_;
};

/// Who sent a datagram.
struct Peer {
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
};

void tell(const Fd& socket, const std::string& message, const Peer* to = nullptr) {
  const auto sent = ::sendto(socket.get(), message.data(), message.size(), 0,
                             to != nullptr ? to->get() : nullptr, to != nullptr ? to->bytes : 0);
  REQUIRE(sent == static_cast<ssize_t>(message.size()));
}

void hear(const Fd& socket, const std::string& message, Peer* from = nullptr) {
  char buffer[64];
  const auto got =
      ::recvfrom(socket.get(), buffer, sizeof buffer, 0, from != nullptr ? from->get() : nullptr,
                 from != nullptr ? &from->bytes : nullptr);
  REQUIRE(got == static_cast<ssize_t>(message.size()));
  REQUIRE(std::string(buffer, message.size()) == message);
}

/// Questions and answers in turn, each of them one packet.
class Conversation {
 public:
  Conversation(const std::string& client, const char* address, std::uint16_t port,
               const std::string& server, std::uint16_t server_port, int type) {
    const bool ipv6 = std::string_view(address).find(':') != std::string_view::npos;
    const Fd listener = PodNetwork::listen(server, type, server_port, ipv6 ? "::" : "0.0.0.0");
    client_ = PodNetwork::connect(client, type, address, port);
    if (type == SOCK_STREAM) {
      server_ = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      REQUIRE(server_);
      talk();
    } else {
      server_ = Fd(::dup(listener.get()));
      for (int i = 0; i < kMessages; ++i) {
        Peer from;
        tell(client_, question(i));
        hear(server_, question(i), &from);
        tell(server_, answer(i), &from);
        hear(client_, answer(i));
      }
    }
  }

  void talk() {
    for (int i = 0; i < kMessages; ++i) {
      tell(client_, question(i));
      hear(server_, question(i));
      tell(server_, answer(i));
      hear(client_, answer(i));
    }
  }

  static std::string question(int i) { return fmt::format("question {:03};", i); }
  static std::string answer(int i) { return fmt::format("answer {:03};", i); }

 private:
  Fd client_;
  Fd server_;
};

/// What a conversation is in the record.
struct Recorded {
  std::map<std::string, int> times;  // message → how often, of each time that it was sent
  int syns = 0;
  std::set<std::set<std::string>> pairs;     // of ends
  std::map<std::string, std::string> where;  // message → device
};

Recorded look_at(const std::vector<Packet>& packets) {
  Recorded recorded;
  std::map<std::pair<std::string, std::uint16_t>, int> sent;
  for (const Packet& packet : packets) {
    recorded.syns += packet.syn;
    recorded.pairs.insert(packet.ends);
    if (packet.payload.empty()) continue;
    int& times = recorded.times[packet.payload];
    times = std::max(times, ++sent[{packet.payload, packet.identification}]);
    char name[IF_NAMESIZE] = {};
    recorded.where[packet.payload] = ::if_indextoname(packet.interface_id, name);
  }
  return recorded;
}

bool has(const std::set<std::string>& ends, const std::string& address) {
  return std::ranges::any_of(
      ends, [&](const std::string& end) { return end.starts_with(address + ":"); });
}

/// All messages once, and one pair of ends, of which these are the addresses.
void check_once(const Recorded& recorded, const char* one, const char* other, int type) {
  CHECK(recorded.times.size() == 2 * kMessages);
  for (const auto& [message, times] : recorded.times) {
    INFO(message);
    CHECK(times == 1);
  }
  CHECK(recorded.syns == (type == SOCK_STREAM ? 2 : 0));
  REQUIRE(recorded.pairs.size() == 1);
  for (const char* address : {one, other})
    CHECK((address == nullptr || has(*recorded.pairs.begin(), address)));
}

/// A conversation, and where it is to be found in the record.
struct Case {
  const char* description;
  std::string client;
  const char* address;
  std::uint16_t port;
  std::string server;
  std::uint16_t server_port;
  const char* ends[2];  // null: any
};

/// From its first packet to its last.
void hold(const Case& what, int type) {
  {
    const Conversation conversation(what.client, what.address, what.port, what.server,
                                    what.server_port, type);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // until it is closed
}

/// The device by which the node gets what is sent there: of what it sends itself, to whom.
std::string way_in(const std::string& sender, const std::string& receiver) {
  const std::string& end = sender.empty() ? receiver : sender;
  return end == "outside" ? "nic" : "pod-" + end;
}

/// Each message where it enters the host, and what that sends itself where it leaves.
void check_where(const Recorded& recorded, const Case& what) {
  for (int i = 0; i < kMessages; ++i) {
    CHECK(recorded.where.at(Conversation::question(i)) == way_in(what.client, what.server));
    CHECK(recorded.where.at(Conversation::answer(i)) == way_in(what.server, what.client));
  }
}

void route_past_the_stack(const HostRouting& routing) {
  routing.route_into_pod(PodNetwork::kA, "pod-a");
  routing.route_into_pod(PodNetwork::kB, "pod-b");
  routing.route_out(PodNetwork::kOutside, "nic");
}

/// Conversations that no NAT has a part in; none of them is in the host's stack where that is gone
/// past, but for those of the node.
void check_without_nat(NodeCapture& capture, int type,
                       const HostRouting* past_the_stack = nullptr) {
  const Case cases[] = {
      {"pod to pod", "a", PodNetwork::kB, 8080, "b", 8080, {PodNetwork::kA, PodNetwork::kB}},
      {"out",
       "a",
       PodNetwork::kOutside,
       7000,
       "outside",
       7000,
       {PodNetwork::kA, PodNetwork::kOutside}},
      {"in", "outside", PodNetwork::kA, 7000, "a", 7000, {PodNetwork::kOutside, PodNetwork::kA}},
      {"from the node", "", PodNetwork::kA, 7000, "a", 7000, {nullptr, PodNetwork::kA}},
  };
  for (const Case& each : cases) {
    INFO(each.description << (type == SOCK_STREAM ? ", TCP" : ", UDP"));
    (void)capture.drain();
    const auto before = past_the_stack != nullptr ? past_the_stack->packets() : 0;
    hold(each, type);
    const Recorded recorded = look_at(capture.drain());
    check_once(recorded, each.ends[0], each.ends[1], type);
    check_where(recorded, each);
    if (past_the_stack != nullptr && !each.client.empty())
      CHECK(past_the_stack->packets() >= before + 2 * kMessages);
  }
}

}  // namespace

TEST_CASE("once: a conversation is in the record once and whole, whatever the node does with it") {
  const bool ipv6 = GENERATE(false, true);
  const PodNetwork::Addresses& at = ipv6 ? PodNetwork::kIpv6 : PodNetwork::kIpv4;
  const Case cases[] = {
      {"pod to pod", "a", at.b, 8080, "b", 8080, {at.a, at.b}},
      {"by a service", "a", at.service, 80, "b", 8080, {at.a, at.service}},
      {"to itself by a service", "b", at.service, 80, "b", 8080, {at.b, at.service}},
      {"out, masqueraded", "a", at.outside, 7000, "outside", 7000, {at.a, at.outside}},
      {"in, by route", "outside", at.a, 7000, "a", 7000, {at.outside, at.a}},
      {"from the node", "", at.a, 7000, "a", 7000, {nullptr, at.a}},
      {"from the node to the world", "", at.outside, 7000, "outside", 7000, {at.node, at.outside}},
      {"in, by a port of the node", "outside", at.node, 30080, "b", 8080, {at.outside, at.node}},
  };
  const Layout layout = GENERATE(Layout::kRouted, Layout::kBridged);
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const PodNetwork network(layout);
  if (ipv6) network.add_ipv6();
  NodeCapture capture;
  for (const Case& each : cases) {
    if (type == SOCK_DGRAM && each.port == 30080) continue;  // a port of TCP
    INFO(each.description << (layout == Layout::kBridged ? ", bridged" : ", routed")
                          << (type == SOCK_STREAM ? ", TCP" : ", UDP")
                          << (ipv6 ? ", IPv6" : ", IPv4"));
    (void)capture.drain();
    hold(each, type);
    check_once(look_at(capture.drain()), each.ends[0], each.ends[1], type);
  }
}

TEST_CASE("once: no message is missed or doubled while pods come to be recorded and cease to be") {
  const PodNetwork network(GENERATE(Layout::kRouted, Layout::kBridged));
  NodeCapture capture;
  Conversation conversation("a", PodNetwork::kService, 80, "b", 8080, SOCK_STREAM);
  for (const char* off : {"pod-a", "pod-b"}) {
    for (const interface_mode mode : {INTERFACE_OFF, INTERFACE_ALL}) {
      INFO(off << ", mode " << int{mode});
      (void)capture.drain();
      capture.set(off, mode);
      conversation.talk();
      const Recorded recorded = look_at(capture.drain());
      CHECK(recorded.times.size() == 2 * kMessages);
      for (const auto& [message, times] : recorded.times)
        CHECK(times == 1);
    }
  }
}

TEST_CASE("once: what goes through an overlay is recorded inside of it alone") {
  const PodNetwork network(GENERATE(Layout::kRouted, Layout::kBridged));
  network.add_overlay();
  NodeCapture capture;
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const Case cases[] = {
      {"out", "a", PodNetwork::kRemote, 7000, "outside", 7000, {}},
      {"in", "outside", PodNetwork::kA, 7000, "a", 7000, {}},
      {"from the node", "", PodNetwork::kRemote, 7000, "outside", 7000, {}},
  };
  for (const Case& each : cases) {
    INFO(each.description << (type == SOCK_STREAM ? ", TCP" : ", UDP"));
    (void)capture.drain();
    hold(each, type);
    check_once(look_at(capture.drain()), PodNetwork::kRemote, nullptr, type);
  }
}

TEST_CASE("once: what a CNI sends past the host's stack is recorded where it enters the host") {
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const PodNetwork network(Layout::kRouted);
  NodeCapture capture;
  const HostRouting routing;
  route_past_the_stack(routing);
  for (const char* device : {"pod-a", "pod-b", "nic"})
    routing.attach(device);
  check_without_nat(capture, type, &routing);
}

TEST_CASE("once: what the node sends is recorded, though a CNI hands it to the pod past its link") {
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const std::string recorded_end = GENERATE("net", "host");
  const PodNetwork network(Layout::kRouted);
  network.add_host_pair(recorded_end);
  NodeCapture capture;
  const HostRouting routing;
  route_past_the_stack(routing);
  routing.attach("net");
  hold({"from the node", "", PodNetwork::kA, 7000, "a", 7000, {}}, type);
  const Recorded recorded = look_at(capture.drain());
  check_once(recorded, PodNetwork::kHost, PodNetwork::kA, type);
  for (int i = 0; i < kMessages; ++i) {
    CHECK(recorded.where.at(Conversation::question(i)) == recorded_end);
    CHECK(recorded.where.at(Conversation::answer(i)) == "pod-a");
  }
  CHECK(routing.packets() >= kMessages);
}

TEST_CASE("once: pods behind netkit, by the host's stack") {
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const PodNetwork network(Layout::kNetkit);
  NodeCapture capture;
  check_without_nat(capture, type);
}

TEST_CASE("once: pods behind netkit, what a CNI sends past the host's stack") {
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM);
  const PodNetwork network(Layout::kNetkit);
  NodeCapture capture;
  HostRouting routing;
  route_past_the_stack(routing);
  for (const char* device : {"pod-a", "pod-b"})
    routing.attach_netkit(device);
  routing.attach("nic");
  check_without_nat(capture, type, &routing);
}

TEST_CASE("once: pods behind netkit, while one agent goes and the next one comes") {
  const PodNetwork network(Layout::kNetkit);
  const PinDirectory pins;
  HostRouting routing;
  route_past_the_stack(routing);
  for (const char* device : {"pod-a", "pod-b"})
    routing.attach_netkit(device);
  std::optional<NodeCapture> capture(pins.path());
  Conversation conversation("a", PodNetwork::kOutside, 7000, "outside", 7000, SOCK_STREAM);
  (void)capture->drain();
  capture.reset();
  conversation.talk();  // while there is none
  capture.emplace(pins.path());
  check_once(look_at(capture->drain()), PodNetwork::kA, PodNetwork::kOutside, SOCK_DGRAM);
  conversation.talk();
  check_once(look_at(capture->drain()), PodNetwork::kA, PodNetwork::kOutside, SOCK_DGRAM);
}
