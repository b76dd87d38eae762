// SPDX-License-Identifier: Apache-2.0
#include "capture/link_message.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace caprock::capture;

namespace {

/// A message about a running veth with ifindex 7.
class LinkMessageBuilder {
 public:
  LinkMessageBuilder(std::uint16_t type, unsigned char family)
      : message_(mnl_nlmsg_put_header(buffer_.data())) {
    message_->nlmsg_type = type;
    auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message_, sizeof(ifinfomsg)));
    info->ifi_family = family;
    info->ifi_index = 7;
    info->ifi_type = ARPHRD_ETHER;
    info->ifi_flags = IFF_UP | IFF_RUNNING;
    mnl_attr_put_strz(message_, IFLA_IFNAME, "veth7");
    nlattr* properties = mnl_attr_nest_start(message_, IFLA_PROP_LIST);
    mnl_attr_put_strz(message_, IFLA_ALT_IFNAME, "uplink");
    mnl_attr_nest_end(message_, properties);
    nlattr* link_info = mnl_attr_nest_start(message_, IFLA_LINKINFO);
    mnl_attr_put_strz(message_, IFLA_INFO_KIND, "veth");
    mnl_attr_nest_end(message_, link_info);
    mnl_attr_put_u32(message_, IFLA_MASTER, 3);
    mnl_attr_put_u32(message_, IFLA_LINK, 7);
    mnl_attr_put_u32(message_, IFLA_LINK_NETNSID, 5);
    mnl_attr_put_u32(message_, IFLA_MTU, 1500);
    mnl_attr_put(message_, IFLA_ADDRESS, 6, "\x02\x00\x00\x00\x00\xff");
  }

  const nlmsghdr& message() const { return *message_; }

 private:
  alignas(nlmsghdr) std::array<char, 1024> buffer_{};
  nlmsghdr* message_;
};

}  // namespace

TEST_CASE("link message: everything known of a device is read") {
  const LinkMessageBuilder builder(RTM_NEWLINK, AF_UNSPEC);
  const auto link = parse_link_message(builder.message());
  REQUIRE(link);
  CHECK_FALSE(link->gone);
  const Device expected{.ifindex = 7,
                        .name = "veth7",
                        .alternative_names = {"uplink"},
                        .kind = "veth",
                        .up = true,
                        .running = true,
                        .arp_type = ARPHRD_ETHER,
                        .master = 3,
                        .lower = 7,  // the peer's index in its own namespace
                        .lower_elsewhere = true,
                        .lower_namespace = 5,
                        .mtu = 1500,
                        .mac = "02:00:00:00:00:ff"};
  CHECK(link->device == expected);
}

TEST_CASE("link message: the UDP port of an overlay is read, by its kind") {
  const auto port_of = [](const char* kind, std::uint16_t attribute) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_NEWLINK;
    mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
    nlattr* link_info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    mnl_attr_put_u16(message, attribute, htons(8472));
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, link_info);
    return parse_link_message(*message)->device.tunnel_port;
  };
  CHECK(port_of("vxlan", IFLA_VXLAN_PORT) == 8472);
  CHECK(port_of("geneve", IFLA_GENEVE_PORT) == 8472);
  CHECK(port_of("vxlan", IFLA_VXLAN_PORT + 1) == 0);
  CHECK(port_of("bridge", IFLA_VXLAN_PORT) == 0);
}

TEST_CASE("link message: a port that leaves its bridge is not gone") {
  const LinkMessageBuilder from_bridge(RTM_DELLINK, AF_BRIDGE);
  CHECK_FALSE(parse_link_message(from_bridge.message()));
  const LinkMessageBuilder gone(RTM_DELLINK, AF_UNSPEC);
  REQUIRE(parse_link_message(gone.message()));
  CHECK(parse_link_message(gone.message())->gone);
}

TEST_CASE("link message: messages about other things are none") {
  const LinkMessageBuilder address(RTM_NEWADDR, AF_UNSPEC);
  CHECK_FALSE(parse_link_message(address.message()));
}
