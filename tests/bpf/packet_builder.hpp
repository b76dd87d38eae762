// SPDX-License-Identifier: Apache-2.0
// Packets for the programs, written from the outside in: packet().ethernet().ipv4().tcp(1000,
// 80).payload(20).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/byte_span.hpp"

namespace caprock::test {

using ByteVector = std::vector<std::byte>;

/// Each layer names itself in the one around it; bytes() fills in the lengths. What is wrong in a
/// malformed packet is set afterwards, by patch8(), patch16() and cut().
class PacketBuilder {
 public:
  PacketBuilder& ethernet();
  PacketBuilder& vlan(std::uint16_t tci, std::uint16_t protocol = 0x8100);
  PacketBuilder& ipv4(const std::string& from = "10.0.0.1", const std::string& to = "10.0.0.2",
                      unsigned option_bytes = 0);
  /// Of the IPv4 header before: offset in units of 8 bytes.
  PacketBuilder& fragmented(std::uint16_t offset, bool more);
  PacketBuilder& ipv6(const std::string& from = "fd00::1", const std::string& to = "fd00::2");
  /// Hop-by-hop (0), routing (43) or destination options (60), 8 bytes and `more_bytes`, a multiple
  /// of 8.
  PacketBuilder& extension(std::uint8_t protocol, unsigned more_bytes = 0);
  PacketBuilder& ipv6_fragment(std::uint16_t offset, bool more);
  PacketBuilder& authentication(unsigned more_bytes = 16);
  PacketBuilder& tcp(std::uint16_t from = 1000, std::uint16_t to = 80, unsigned option_bytes = 0);
  PacketBuilder& udp(std::uint16_t from = 1000, std::uint16_t to = 53);
  PacketBuilder& icmp(std::uint8_t type);        // ICMP or ICMPv6, by the IP header before
  PacketBuilder& protocol(std::uint8_t number);  // the IP payload to come is of this protocol
  PacketBuilder& type(std::uint16_t ethertype);  // the frame's payload to come is of this type
  PacketBuilder& payload(std::size_t bytes);     // a pattern in which no two neighbours are alike
  PacketBuilder& payload(Bytes bytes);
  /// Behind the packet and in no length: padding of a short frame.
  PacketBuilder& trailer(std::size_t bytes);

  ByteVector bytes() const;
  operator ByteVector() const { return bytes(); }  // NOLINT(google-explicit-constructor)

 private:
  std::size_t grow(std::size_t bytes);  // zeros; where they begin
  std::size_t layer(std::size_t bytes, std::uint16_t ethertype, std::uint8_t protocol);

  struct LengthField {
    std::size_t at;
    std::size_t from;  // the length counts from here to the end
  };

  ByteVector bytes_;
  std::size_t trailer_bytes_ = 0;
  std::size_t ethertype_at_ = 0;  // where the next layer says what it is
  std::size_t protocol_at_ = 0;
  std::size_t ip_at_ = 0;
  bool ipv6_ = false;
  std::vector<LengthField> lengths_;
};

inline PacketBuilder packet() {
  return {};
}

/// `bytes` with `value` in network byte order at `offset`.
ByteVector patch8(ByteVector bytes, std::size_t offset, std::uint8_t value);
ByteVector patch16(ByteVector bytes, std::size_t offset, std::uint16_t value);

/// The first `size` bytes.
ByteVector cut(ByteVector bytes, std::size_t size);

}  // namespace caprock::test
