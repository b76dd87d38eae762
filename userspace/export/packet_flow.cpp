// SPDX-License-Identifier: Apache-2.0
#include "export/packet_flow.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

#include <algorithm>
#include <span>

namespace caprock::exporting {
namespace {

constexpr std::size_t kTypeOffset = 12;  // of the Ethernet header
constexpr std::size_t kTagBytes = 4;
constexpr std::size_t kPortsBytes = 4;
constexpr std::uint16_t kFragmentOffset = 0x1fff;
constexpr std::size_t kIpv4Offset = 12;  // in an Address
constexpr Address kIpv4Any = {
    {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xff}, std::byte{0xff}}};

std::uint16_t number_at(Bytes bytes, std::size_t offset) {
  return ntohs(load<std::uint16_t>(bytes, offset));
}

void put_ipv4(FlowEnd& end, Bytes address) {
  end.address = kIpv4Any;
  std::ranges::copy(address, end.address.begin() + kIpv4Offset);
}

/// Behind the addresses.
std::optional<Flow> with_ports(Flow flow, std::uint8_t protocol, Bytes rest) {
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return std::nullopt;
  if (rest.size() < kPortsBytes) return std::nullopt;
  flow.protocol = protocol;
  flow.source.port = number_at(rest, 0);
  flow.destination.port = number_at(rest, 2);
  return flow;
}

std::optional<Flow> ipv4_flow(Bytes packet) {
  if (packet.size() < sizeof(iphdr)) return std::nullopt;
  const auto head = load<iphdr>(packet);
  const std::size_t head_bytes = std::size_t{head.ihl} * 4;
  if (head_bytes < sizeof head || head_bytes > packet.size() ||
      (ntohs(head.frag_off) & kFragmentOffset) != 0) {
    return std::nullopt;
  }
  Flow flow;
  put_ipv4(flow.source, packet.subspan(offsetof(iphdr, saddr), 4));
  put_ipv4(flow.destination, packet.subspan(offsetof(iphdr, daddr), 4));
  return with_ports(flow, head.protocol, packet.subspan(head_bytes));
}

std::optional<Flow> ipv6_flow(Bytes packet) {
  if (packet.size() < sizeof(ip6_hdr)) return std::nullopt;
  Flow flow;
  std::ranges::copy(packet.subspan(offsetof(ip6_hdr, ip6_src), 16), flow.source.address.begin());
  std::ranges::copy(packet.subspan(offsetof(ip6_hdr, ip6_dst), 16),
                    flow.destination.address.begin());
  return with_ports(flow, load<ip6_hdr>(packet).ip6_nxt, packet.subspan(sizeof(ip6_hdr)));
}

}  // namespace

bool is_ipv4(const Address& address) {
  return std::ranges::equal(std::span(address).first<kIpv4Offset>(),
                            std::span(kIpv4Any).first<kIpv4Offset>());
}

bool is_unspecified(const Address& address) {
  return address == Address{} || address == kIpv4Any;
}

bool is_loopback(const Address& address) {
  constexpr std::byte kIpv4Loopback{127};
  Address ipv6{};
  ipv6.back() = std::byte{1};
  return is_ipv4(address) ? address[kIpv4Offset] == kIpv4Loopback : address == ipv6;
}

bool is_multicast(const Address& address) {
  constexpr std::byte kFirstIpv4{224};
  constexpr std::byte kIpv6{0xff};
  return is_ipv4(address) ? address[kIpv4Offset] >= kFirstIpv4 : address.front() == kIpv6;
}

std::optional<Flow> flow_of(Bytes frame) {
  for (std::size_t at = kTypeOffset; at + sizeof(std::uint16_t) <= frame.size(); at += kTagBytes) {
    const Bytes behind = frame.subspan(at + sizeof(std::uint16_t));
    switch (number_at(frame, at)) {
      case ETH_P_IP:
        return ipv4_flow(behind);
      case ETH_P_IPV6:
        return ipv6_flow(behind);
      case ETH_P_8021Q:
      case ETH_P_8021AD:
        continue;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace caprock::exporting
