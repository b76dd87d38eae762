// SPDX-License-Identifier: Apache-2.0
#include "packet_builder.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace caprock::test {
namespace {

constexpr std::uint8_t kIcmp = IPPROTO_ICMP;
constexpr std::uint8_t kIcmpV6 = IPPROTO_ICMPV6;
constexpr std::size_t kUnset = 0;  // no field stands at offset 0

void put16(ByteVector& bytes, std::size_t at, std::uint64_t value) {
  put(MutableBytes(bytes), at, htons(static_cast<std::uint16_t>(value)));
}

void put_address(ByteVector& bytes, std::size_t at, int family, const std::string& text) {
  if (::inet_pton(family, text.c_str(), bytes.data() + at) != 1) throw std::invalid_argument(text);
}

}  // namespace

std::size_t PacketBuilder::grow(std::size_t bytes) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + bytes);
  return at;
}

std::size_t PacketBuilder::layer(std::size_t bytes, std::uint16_t ethertype,
                                 std::uint8_t protocol_number) {
  if (protocol_at_ != kUnset)
    protocol(protocol_number);
  else if (ethertype_at_ != kUnset)
    type(ethertype);
  return grow(bytes);
}

PacketBuilder& PacketBuilder::ethernet() {
  const std::size_t at = grow(ETH_HLEN);
  for (std::size_t i = 0; i < 2 * ETH_ALEN; ++i)
    bytes_[at + i] = static_cast<std::byte>(0x10 + i);
  ethertype_at_ = at + 2 * ETH_ALEN;
  return *this;
}

PacketBuilder& PacketBuilder::vlan(std::uint16_t tci, std::uint16_t protocol_id) {
  put16(bytes_, ethertype_at_, protocol_id);
  const std::size_t at = grow(4);
  put16(bytes_, at, tci);
  ethertype_at_ = at + 2;
  return *this;
}

PacketBuilder& PacketBuilder::ipv4(const std::string& from, const std::string& to,
                                   unsigned option_bytes) {
  const std::size_t at = layer(20 + option_bytes, ETH_P_IP, IPPROTO_IPIP);
  bytes_[at] = static_cast<std::byte>(0x40 + (20 + option_bytes) / 4);
  bytes_[at + 8] = std::byte{64};
  put_address(bytes_, at + 12, AF_INET, from);
  put_address(bytes_, at + 16, AF_INET, to);
  lengths_.push_back({at + 2, at});
  ip_at_ = at;
  ipv6_ = false;
  protocol_at_ = at + 9;
  return *this;
}

PacketBuilder& PacketBuilder::fragmented(std::uint16_t offset, bool more) {
  put16(bytes_, ip_at_ + 6, offset | (more ? 0x2000 : 0));
  return *this;
}

PacketBuilder& PacketBuilder::ipv6(const std::string& from, const std::string& to) {
  const std::size_t at = layer(40, ETH_P_IPV6, IPPROTO_IPV6);
  bytes_[at] = std::byte{0x60};
  bytes_[at + 7] = std::byte{64};
  put_address(bytes_, at + 8, AF_INET6, from);
  put_address(bytes_, at + 24, AF_INET6, to);
  lengths_.push_back({at + 4, at + 40});
  ip_at_ = at;
  ipv6_ = true;
  protocol_at_ = at + 6;
  return *this;
}

PacketBuilder& PacketBuilder::extension(std::uint8_t number, unsigned more_bytes) {
  const std::size_t at = layer(8 + more_bytes, 0, number);
  bytes_[at + 1] = static_cast<std::byte>(more_bytes / 8);
  protocol_at_ = at;
  return *this;
}

PacketBuilder& PacketBuilder::ipv6_fragment(std::uint16_t offset, bool more) {
  const std::size_t at = layer(8, 0, IPPROTO_FRAGMENT);
  put16(bytes_, at + 2, static_cast<std::uint64_t>(offset * 8 + (more ? 1 : 0)));
  protocol_at_ = at;
  return *this;
}

PacketBuilder& PacketBuilder::authentication(unsigned more_bytes) {
  const std::size_t at = layer(8 + more_bytes, 0, IPPROTO_AH);
  bytes_[at + 1] = static_cast<std::byte>(more_bytes / 4);
  protocol_at_ = at;
  return *this;
}

PacketBuilder& PacketBuilder::tcp(std::uint16_t from, std::uint16_t to, unsigned option_bytes) {
  const std::size_t at = layer(20 + option_bytes, 0, IPPROTO_TCP);
  put16(bytes_, at, from);
  put16(bytes_, at + 2, to);
  bytes_[at + 12] = static_cast<std::byte>((20 + option_bytes) / 4 << 4);
  return *this;
}

PacketBuilder& PacketBuilder::udp(std::uint16_t from, std::uint16_t to) {
  const std::size_t at = layer(8, 0, IPPROTO_UDP);
  put16(bytes_, at, from);
  put16(bytes_, at + 2, to);
  lengths_.push_back({at + 4, at});
  return *this;
}

PacketBuilder& PacketBuilder::icmp(std::uint8_t icmp_type) {
  const std::size_t at = layer(8, 0, ipv6_ ? kIcmpV6 : kIcmp);
  bytes_[at] = static_cast<std::byte>(icmp_type);
  return *this;
}

PacketBuilder& PacketBuilder::protocol(std::uint8_t number) {
  bytes_[protocol_at_] = static_cast<std::byte>(number);
  return *this;
}

PacketBuilder& PacketBuilder::type(std::uint16_t ethertype) {
  put16(bytes_, ethertype_at_, ethertype);
  return *this;
}

PacketBuilder& PacketBuilder::payload(std::size_t bytes) {
  const std::size_t at = grow(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    bytes_[at + i] = static_cast<std::byte>(1 + (at + i) % 251);  // never 0, as padding is
  return *this;
}

PacketBuilder& PacketBuilder::payload(Bytes bytes) {
  const std::size_t at = grow(bytes.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  return *this;
}

PacketBuilder& PacketBuilder::trailer(std::size_t bytes) {
  payload(bytes);
  trailer_bytes_ += bytes;
  return *this;
}

ByteVector PacketBuilder::bytes() const {
  ByteVector bytes = bytes_;
  for (const LengthField& field : lengths_) {
    const std::size_t length = bytes.size() - trailer_bytes_ - field.from;
    put16(bytes, field.at, length > 65535 ? 0 : length);  // BIG TCP says 0
  }
  return bytes;
}

ByteVector patch8(ByteVector bytes, std::size_t offset, std::uint8_t value) {
  bytes.at(offset) = std::byte{value};
  return bytes;
}

ByteVector patch16(ByteVector bytes, std::size_t offset, std::uint16_t value) {
  put16(bytes, offset, value);
  return bytes;
}

ByteVector cut(ByteVector bytes, std::size_t size) {
  bytes.resize(std::min(size, bytes.size()));
  return bytes;
}

}  // namespace caprock::test
