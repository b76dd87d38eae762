// SPDX-License-Identifier: Apache-2.0
#include "filter/compile.hpp"

#include <catch2/catch_test_macros.hpp>

#include "filter_model.hpp"

using namespace caprock;
using namespace caprock::filter;

namespace {

using Texts = std::vector<std::string>;

FilterState compiled(const config::Agent& agent, const std::vector<Endpoint>& own = {}) {
  return *compile(*Specification::from(agent), own);
}

FilterState with_addresses(Texts addresses, Texts excluded) {
  config::Agent agent;
  agent.addresses = std::move(addresses);
  agent.excluded_addresses = std::move(excluded);
  return compiled(agent);
}

}  // namespace

TEST_CASE(
    "filter: the defaults take everything, and programs need not look at addresses and ports") {
  const FilterState state = compiled({});
  CHECK(state.settings.flags == (SETTINGS_TCP | SETTINGS_UDP));
  CHECK(state.settings.snaplen == 262144);
  CHECK(takes_everything(state));
}

TEST_CASE("filter: what an address comes to") {
  struct Row {
    const char* description;
    Texts addresses;
    Texts excluded;
    const char* address;
    std::uint32_t flags;
  };
  const Row rows[] = {
      {"an exact address", {"10.0.0.1"}, {}, "10.0.0.1", ADDRESS_INCLUDED},
      {"its neighbour", {"10.0.0.1"}, {}, "10.0.0.2", 0},
      {"inside a CIDR", {"10.0.0.0/8"}, {}, "10.9.9.9", ADDRESS_INCLUDED},
      {"exclusion inside an inclusion",
       {"10.0.0.0/8"},
       {"10.1.0.0/16"},
       "10.1.2.3",
       ADDRESS_EXCLUDED},
      {"beside that exclusion", {"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.2.2.3", ADDRESS_INCLUDED},
      {"exclusion around an inclusion wins",
       {"10.1.0.0/16"},
       {"10.0.0.0/8"},
       "10.1.2.3",
       ADDRESS_EXCLUDED},
      {"the same CIDR in both", {"10.1.0.0/16"}, {"10.1.0.0/16"}, "10.1.2.3", ADDRESS_EXCLUDED},
      {"three deep", {"10.0.0.0/8", "10.1.2.0/24"}, {"10.1.0.0/16"}, "10.1.2.3", ADDRESS_EXCLUDED},
      {"exclusion in the middle of two inclusions",
       {"10.0.0.0/8", "10.1.0.0/16"},
       {"10.1.2.0/24"},
       "10.1.2.3",
       ADDRESS_EXCLUDED},
      {"an exact address in an excluded CIDR",
       {"10.1.2.3"},
       {"10.1.0.0/16"},
       "10.1.2.3",
       ADDRESS_EXCLUDED},
      {"an excluded address in an included CIDR",
       {"10.0.0.0/8"},
       {"10.1.2.3"},
       "10.1.2.3",
       ADDRESS_EXCLUDED},
      {"an address both ways", {"10.1.2.3"}, {"10.1.2.3"}, "10.1.2.3", ADDRESS_EXCLUDED},
      {"everything", {"0.0.0.0/0"}, {}, "1.2.3.4", ADDRESS_INCLUDED},
      {"of the other family", {"0.0.0.0/0"}, {}, "::1", 0},
      {"IPv6", {"2001:db8::/32"}, {"2001:db8:1::/48"}, "2001:db8:1::5", ADDRESS_EXCLUDED},
      {"IPv6, exact", {"2001:db8::1"}, {}, "2001:db8::1", ADDRESS_INCLUDED},
  };
  for (const Row& row : rows) {
    CAPTURE(row.description);
    const FilterState state = with_addresses(row.addresses, row.excluded);
    CHECK(FilterModel(state).address_flags(address(row.address)) == row.flags);
  }
}

TEST_CASE(
    "filter: in the tries nothing lies within an excluded prefix, nor an inclusion within "
    "another") {
  const FilterState state =
      with_addresses({"10.0.0.0/8", "10.2.0.0/16", "10.1.2.0/24", "2001:db8::/32"},
                     {"10.1.0.0/16", "10.1.3.0/24", "::/0"});
  CHECK(state[Table::kCidr4].size() == 2);
  CHECK(state[Table::kCidr6].size() == 1);
}

TEST_CASE("filter: the flags say which maps have something in them") {
  CHECK(with_addresses({"10.0.0.1"}, {}).settings.flags ==
        (SETTINGS_TCP | SETTINGS_UDP | SETTINGS_ADDRESSES | SETTINGS_ONLY_ADDRESSES));
  CHECK(with_addresses({}, {"10.0.0.0/8"}).settings.flags ==
        (SETTINGS_TCP | SETTINGS_UDP | SETTINGS_ADDRESSES | SETTINGS_CIDR4));
  CHECK(with_addresses({}, {"fe80::/10"}).settings.flags ==
        (SETTINGS_TCP | SETTINGS_UDP | SETTINGS_ADDRESSES | SETTINGS_CIDR6));
  config::Agent agent;
  agent.tcp = false;
  agent.ports = {53};
  agent.overload = config::Overload::kDrop;
  CHECK(compiled(agent).settings.flags ==
        (SETTINGS_UDP | SETTINGS_PORTS | SETTINGS_ONLY_PORTS | SETTINGS_DROP_ON_OVERLOAD));
  CHECK_FALSE(takes_everything(compiled(agent)));
}

TEST_CASE("filter: a port that is both wanted and excluded is excluded") {
  config::Agent agent;
  agent.ports = {80, 443};
  agent.excluded_ports = {443};
  const FilterState state = compiled(agent);
  const Flow http{.source = address("1.1.1.1"),
                  .destination = address("2.2.2.2"),
                  .source_port = 9,
                  .destination_port = 80};
  Flow https = http;
  https.destination_port = 443;
  CHECK(FilterModel(state).takes(http));
  CHECK_FALSE(FilterModel(state).takes(https));
}

TEST_CASE("filter: own endpoints are known by address and port, Unix sockets are none") {
  const FilterState state =
      compiled({}, {*Endpoint::parse("unix:/run/x.sock"), *Endpoint::parse("127.0.0.1:8897"),
                    *Endpoint::parse("[::1]:8897")});
  CHECK(state.settings.own_ports[0] == 8897);
  CHECK(state.settings.own_ports[1] == 0);
  CHECK((state.settings.flags & SETTINGS_OWN_PORTS) != 0);
  REQUIRE(state[Table::kOwnEndpoint].size() == 2);
  endpoint_key mapped{};
  mapped.port = 8897;
  const std::uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  std::memcpy(mapped.address, address, sizeof address);
  const Bytes key = capture::object_bytes(mapped);
  CHECK(state[Table::kOwnEndpoint].contains(capture::MapBytes(key.begin(), key.end())));
}

TEST_CASE("filter: more own ports than programs can hold are refused") {
  std::vector<Endpoint> own;
  for (const char* text : {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"})
    own.push_back(*Endpoint::parse(text));
  CHECK(compile({}, own));
  own.push_back(*Endpoint::parse("127.0.0.1:5"));
  CHECK_FALSE(compile({}, own));
}

TEST_CASE("filter: pods' addresses keep what is said of them, and of the CIDRs around them") {
  config::Agent agent;
  agent.addresses = {"10.0.0.0/8"};
  agent.excluded_addresses = {"10.1.0.0/16"};
  Specification specification = *Specification::from(agent);
  specification.targets = {address("10.2.0.1"), address("10.1.0.1"), address("fd00::1")};
  const FilterState state = *compile(specification, {});
  const FilterModel model(state);
  CHECK(model.address_flags(address("10.2.0.1")) == (ADDRESS_INCLUDED | ADDRESS_TARGET));
  CHECK(model.address_flags(address("10.1.0.1")) == (ADDRESS_EXCLUDED | ADDRESS_TARGET));
  CHECK(model.address_flags(address("fd00::1")) == ADDRESS_TARGET);
}

TEST_CASE("filter: pods alone restrict nothing on links of their own") {
  Specification specification = *Specification::from({});
  specification.targets = {address("10.2.0.1")};
  CHECK(takes_everything(*compile(specification, {})));
  specification.excluded_addresses = {address("10.2.0.2")};
  CHECK_FALSE(takes_everything(*compile(specification, {})));
}

TEST_CASE("filter: more addresses than fit twice into the maps are refused, with what to do") {
  Specification specification;
  Prefix prefix = address("10.0.0.0");
  for (unsigned n = 0; n <= CAPROCK_MAX_ADDRESSES / 2; ++n) {
    prefix.bytes[1] = static_cast<std::uint8_t>(n >> 16);
    prefix.bytes[2] = static_cast<std::uint8_t>(n >> 8);
    prefix.bytes[3] = static_cast<std::uint8_t>(n);
    specification.addresses.insert(prefix);
  }
  const auto state = compile(specification, {});
  REQUIRE_FALSE(state);
  CHECK(state.error().message().find("summarise") != std::string::npos);
}

TEST_CASE("filter: an address that is none is refused with its key") {
  config::Agent agent;
  agent.excluded_addresses = {"10.0.0.300"};
  const auto specification = Specification::from(agent);
  REQUIRE_FALSE(specification);
  CHECK(specification.error().message().starts_with("agent.excludedAddresses: \"10.0.0.300\""));
}
