// SPDX-License-Identifier: Apache-2.0
#include "capture/route_message.hpp"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include <array>

#include <catch2/catch_test_macros.hpp>

using namespace caprock::capture;

namespace {

template <class Header>
class MessageBuilder {
 public:
  explicit MessageBuilder(std::uint16_t type, const Header& header)
      : message_(mnl_nlmsg_put_header(buffer_.data())) {
    message_->nlmsg_type = type;
    *static_cast<Header*>(mnl_nlmsg_put_extra_header(message_, sizeof(Header))) = header;
  }

  MessageBuilder& add(std::uint16_t attribute, std::uint32_t value) {
    mnl_attr_put_u32(message_, attribute, value);
    return *this;
  }
  MessageBuilder& add(std::uint16_t attribute, std::size_t bytes, const char* value) {
    mnl_attr_put(message_, attribute, bytes, value);
    return *this;
  }

  const nlmsghdr& message() const { return *message_; }

 private:
  alignas(nlmsghdr) std::array<char, 256> buffer_{};
  nlmsghdr* message_;
};

MessageBuilder<rtmsg> route(unsigned char type) {
  rtmsg header{};
  header.rtm_type = type;
  return MessageBuilder<rtmsg>(RTM_NEWROUTE, header);
}

}  // namespace

TEST_CASE("route message: device, gateway and kind of a route are read") {
  const auto direct = parse_route_message(route(RTN_UNICAST).add(RTA_OIF, 7).message());
  REQUIRE(direct);
  CHECK(direct->ifindex == 7);
  CHECK(direct->unicast);
  CHECK_FALSE(direct->gateway);
  CHECK(parse_route_message(route(RTN_UNICAST).add(RTA_GATEWAY, 1).message())->gateway);
  CHECK(parse_route_message(route(RTN_UNICAST).add(RTA_VIA, 8, "\2\0abcdef").message())->gateway);
  CHECK_FALSE(parse_route_message(route(RTN_LOCAL).add(RTA_OIF, 1).message())->unicast);
}

TEST_CASE("route message: a neighbour's device and Ethernet address are read") {
  ndmsg header{};
  header.ndm_ifindex = 9;
  MessageBuilder<ndmsg> builder(RTM_NEWNEIGH, header);
  CHECK(parse_neighbour_message(builder.message())->mac.empty());
  const auto neighbour = parse_neighbour_message(builder.add(NDA_LLADDR, 6, "\2abcde").message());
  REQUIRE(neighbour);
  CHECK(neighbour->ifindex == 9);
  CHECK(neighbour->mac.size() == 6);
  CHECK(neighbour->mac[0] == std::byte{2});
}

TEST_CASE("route message: the id of a network namespace is read where it has one") {
  const rtgenmsg header{};
  MessageBuilder<rtgenmsg> unknown(RTM_NEWNSID, header);
  CHECK_FALSE(
      parse_namespace_message(unknown.add(NETNSA_NSID, static_cast<std::uint32_t>(-1)).message()));
  MessageBuilder<rtgenmsg> known(RTM_NEWNSID, header);
  CHECK(parse_namespace_message(known.add(NETNSA_NSID, 4).message()) == 4);
}

TEST_CASE("route message: other messages are none of these") {
  const auto message = route(RTN_UNICAST);
  CHECK_FALSE(parse_neighbour_message(message.message()));
  CHECK_FALSE(parse_namespace_message(message.message()));
  CHECK_FALSE(parse_route_message(MessageBuilder<ndmsg>(RTM_NEWNEIGH, {}).message()));
}
