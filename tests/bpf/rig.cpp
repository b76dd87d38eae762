// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include <catch2/catch_test_macros.hpp>

#include "abi/block.h"
#include "abi/limits.h"

#include "capture/map_handles.hpp"
#include "capture/sources.hpp"
#include "core/clock.hpp"

namespace caprock::test {
namespace {

constexpr std::uint32_t kIfindex = 1;  // the loopback device: where test runs take place

template <class T>
T require(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

void stay_on_cpu_0() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  REQUIRE(::sched_setaffinity(0, sizeof cpus, &cpus) == 0);
}

template <class Key, class Value>
void add(int map, const Key& key, const Value& value) {
  REQUIRE(bpf_map_update_elem(map, &key, &value, BPF_ANY) == 0);
}

void clear(int map, std::size_t key_bytes) {
  ByteVector key(key_bytes);
  while (bpf_map_get_next_key(map, nullptr, key.data()) == 0)
    REQUIRE(bpf_map_delete_elem(map, key.data()) == 0);
}

template <class Key>
int parse(const std::string& text, Key& key) {
  const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  REQUIRE(::inet_pton(family, text.c_str(), &key) == 1);
  return family;
}

capture_counters minus(const capture_counters& a, const capture_counters& b) {
  using Words = std::array<std::uint64_t, sizeof(capture_counters) / sizeof(std::uint64_t)>;
  auto difference = std::bit_cast<Words>(a);
  const auto from = std::bit_cast<Words>(b);
  std::transform(difference.begin(), difference.end(), from.begin(), difference.begin(),
                 std::minus<>());
  return std::bit_cast<capture_counters>(difference);
}

__u32 verdict(Hook hook) {
  switch (hook) {
    case Hook::kXdp:
      return XDP_PASS;
    case Hook::kMirror:
      return XDP_DROP;
    case Hook::kTcIngress:
    case Hook::kTcEgress:
      break;
  }
  return static_cast<__u32>(TC_ACT_UNSPEC);
}

link_flow make_link_flow(const std::string& near, std::uint16_t near_port, const std::string& far,
                         std::uint16_t far_port) {
  link_flow flow{};
  flow.ifindex = kIfindex;
  flow.near_port = near_port;
  flow.far_port = far_port;
  flow.near[10] = flow.near[11] = flow.far[10] = flow.far[11] = 0xff;
  REQUIRE(::inet_pton(AF_INET, near.c_str(), flow.near + 12) == 1);
  REQUIRE(::inet_pton(AF_INET, far.c_str(), flow.far + 12) == 1);
  flow.protocol = IPPROTO_TCP;
  return flow;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, Hook hook) {
  switch (hook) {
    case Hook::kTcIngress:
      return out << "tc ingress";
    case Hook::kTcEgress:
      return out << "tc egress";
    case Hook::kXdp:
      return out << "xdp";
    case Hook::kMirror:
      return out << "mirror";
  }
  return out;
}

Rig::Rig(capture::Transport transport)
    : programs_(require(capture::Programs::load({.transport = transport,
                                                 .stage_bytes = 0,
                                                 .xdp = true,
                                                 .mirror = true,
                                                 .recorded_once = true,
                                                 .mirror_vxlan_port = kVxlanPort,
                                                 .pin_directory = {}}))),
      source_(std::move(require(capture::make_sources(*programs_)).at(0))),
      counters_(std::make_unique<capture::Counters>(require(capture::Counters::map(*programs_)))) {}

Rig& Rig::fresh(capture::Transport transport) {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  stay_on_cpu_0();
  static std::unique_ptr<Rig> rigs[2];
  auto& rig = rigs[transport == capture::Transport::kStage ? 0 : 1];
  if (!rig) rig.reset(new Rig(transport));
  rig->reset();
  return *rig;
}

void Rig::reset() {
  clear(programs_->map_fd("addr4"), sizeof(__be32));
  clear(programs_->map_fd("addr6"), sizeof(addr6_key));
  clear(programs_->map_fd("cidr4"), sizeof(cidr4_key));
  clear(programs_->map_fd("cidr6"), sizeof(cidr6_key));
  clear(programs_->map_fd("ports"), sizeof(std::uint16_t));
  clear(programs_->map_fd("own_endpoint"), sizeof(endpoint_key));
  clear(programs_->map_fd("translated"), sizeof(link_flow));
  set_settings({.wall_offset_ns = static_cast<std::uint64_t>(wall_offset_ns()),
                .snaplen = CAPROCK_MAX_SNAPLEN,
                .flags = SETTINGS_TCP | SETTINGS_UDP,
                .own_ports = {},
                .generation = 0,
                .tunnel_ports = {}});
  REQUIRE(capture::PolicyMap(*programs_).remove(kOtherIfindex));
  set_policy(INTERFACE_ALL);
  take_blocks();
  for (const Hook settled : {Hook::kTcIngress, Hook::kTcEgress})
    run(settled, packet().ethernet().ipv4().udp());  // tells what was lost before
  take_blocks();
  before_[CAPROCK_INGRESS] = counters_->of(kInterface, CAPROCK_INGRESS);
  before_[CAPROCK_EGRESS] = counters_->of(kInterface, CAPROCK_EGRESS);
}

std::uint32_t Rig::run(Hook hook, const ByteVector& packet, __sk_buff context, unsigned repeat) {
  ByteVector after(packet.size() + 256);
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(), .data_out = after.data(),
              .data_size_in = static_cast<__u32>(packet.size()),
              .data_size_out = static_cast<__u32>(after.size()),
              .repeat = static_cast<int>(repeat));
  if (context.gso_size > 0 || context.ingress_ifindex > 0) {
    run.ctx_in = &context;
    run.ctx_size_in = sizeof context;
  }
  INFO(hook << ", packet of " << packet.size() << " bytes");
  const int error = bpf_prog_test_run_opts(program(hook), &run);
  if (error == -EINVAL && context.ingress_ifindex > 0)
    SKIP("this kernel's test runs do not know by which device a packet came in");
  REQUIRE(error == 0);
  after.resize(run.data_size_out);
  REQUIRE(run.retval == verdict(hook));
  if (hook == Hook::kMirror)
    REQUIRE(std::ranges::equal(after, Bytes(packet).last(after.size())));  // what it looked at
  else
    REQUIRE(after == packet);
  return run.duration;
}

int Rig::program(Hook hook) const {
  switch (hook) {
    case Hook::kTcIngress:
      return programs_->tc_ingress_fd();
    case Hook::kTcEgress:
      return programs_->tc_egress_fd();
    case Hook::kXdp:
      return programs_->xdp_fd();
    case Hook::kMirror:
      return programs_->mirror_fd();
  }
  return -1;
}

bool Rig::runs(Hook hook, const ByteVector& packet) {
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(),
              .data_size_in = static_cast<__u32>(packet.size()));
  const bool taken = bpf_prog_test_run_opts(program(hook), &run) == 0;
  take_blocks();
  return taken;
}

bool Rig::wakes() const {
  pollfd wake{.fd = source_->wake_fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wake, 1, 0) == 1;
}

std::vector<ByteVector> Rig::take_blocks() {
  std::vector<ByteVector> blocks;
  for (auto batch = source_->peek(); !batch.empty(); batch = source_->peek()) {
    for (const BlockPiece& piece : batch.pieces)
      for (Bytes rest = piece.bytes; !rest.empty();) {
        const auto total = load<epb_head>(rest).total_bytes;
        REQUIRE(total >= EPB_HEAD_BYTES);
        REQUIRE(total <= rest.size());
        blocks.emplace_back(rest.begin(), rest.begin() + total);
        rest = rest.subspan(total);
      }
    source_->consume(batch.pieces.back().end_position);
  }
  return blocks;
}

capture_counters Rig::counted(Hook hook) const {
  const auto direction = hook == Hook::kTcEgress ? CAPROCK_EGRESS : CAPROCK_INGRESS;
  const capture_counters count = minus(counters_->of(kInterface, direction), before_[direction]);
  REQUIRE(count.seen == count.not_l4 + count.filtered + count.accepted + count.malformed);
  REQUIRE(count.accepted == count.written + count.lost + count.unreadable + count.redirected);
  return count;
}

void Rig::set_settings(const capture_settings& settings) {
  const std::uint32_t generation = settings_.generation + 1;
  settings_ = settings;
  settings_.generation = generation;
  add(programs_->map_fd("settings"), std::uint32_t{0}, settings_);
}

void Rig::set_flags(std::uint32_t flags) {
  settings_.flags = flags;
  set_settings(settings_);
}

void Rig::set_policy(interface_mode mode, interface_link link, unsigned roles) {
  const interface_policy policy{.id = kInterface,
                                .mode = static_cast<std::uint8_t>(mode),
                                .link = static_cast<std::uint8_t>(link),
                                .roles = static_cast<std::uint8_t>(roles),
                                .port = kPort};
  REQUIRE(capture::PolicyMap(*programs_).set(kIfindex, policy));
}

void Rig::set_other_policy(interface_mode mode) {
  const interface_policy policy{.id = kInterface + 1,
                                .mode = static_cast<std::uint8_t>(mode),
                                .link = LINK_ETHERNET,
                                .roles = ROLE_INTERFACE | ROLE_ONCE,
                                .port = 0};
  REQUIRE(capture::PolicyMap(*programs_).set(kOtherIfindex, policy));
}

void Rig::remove_policy() {
  REQUIRE(capture::PolicyMap(*programs_).remove(kIfindex));
}

void Rig::leave_policy_to_hash() {
  add(programs_->map_fd("if_policy_low"), kIfindex, interface_policy{});
}

void Rig::add_address(const std::string& address, std::uint32_t flags) {
  addr6_key key{};
  const bool ipv4 = parse(address, key) == AF_INET;
  add(programs_->map_fd(ipv4 ? "addr4" : "addr6"), key, address_verdict{flags});
  set_settings(settings_);
}

void Rig::add_cidr(const std::string& address, unsigned prefix_bits, std::uint32_t flags) {
  cidr6_key key{.prefix_bits = prefix_bits, .bytes = {}};
  const bool ipv4 = parse(address, key.bytes) == AF_INET;
  add(programs_->map_fd(ipv4 ? "cidr4" : "cidr6"), key, address_verdict{flags});
  set_settings(settings_);
}

void Rig::add_translated(const std::string& near, std::uint16_t near_port, const std::string& far,
                         std::uint16_t far_port) {
  add(programs_->map_fd("translated"), make_link_flow(near, near_port, far, far_port),
      kOtherIfindex);
}

bool Rig::is_translated(const std::string& near, std::uint16_t near_port, const std::string& far,
                        std::uint16_t far_port) const {
  const link_flow key = make_link_flow(near, near_port, far, far_port);
  std::uint32_t ifindex = 0;
  return bpf_map_lookup_elem(programs_->map_fd("translated"), &key, &ifindex) == 0;
}

void Rig::add_port(std::uint16_t port, std::uint32_t flags) {
  add(programs_->map_fd("ports"), port, port_verdict{flags});
}

void Rig::add_own_endpoint(const std::string& address, std::uint16_t port) {
  endpoint_key key{.address = {}, .port = port, .reserved = 0};
  if (address.find(':') == std::string::npos) {
    key.address[10] = key.address[11] = 0xff;
    REQUIRE(::inet_pton(AF_INET, address.c_str(), key.address + 12) == 1);
  } else {
    REQUIRE(::inet_pton(AF_INET6, address.c_str(), key.address) == 1);
  }
  add(programs_->map_fd("own_endpoint"), key, std::uint8_t{1});
}

}  // namespace caprock::test
