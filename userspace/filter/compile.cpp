// SPDX-License-Identifier: Apache-2.0
#include "filter/compile.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "abi/limits.h"

namespace caprock::filter {
namespace {

using capture::MapBytes;
using capture::MapEntries;
using capture::object_bytes;

constexpr std::size_t kMaxAddresses = CAPROCK_MAX_ADDRESSES / 2;  // of each table

template <class T>
MapBytes map_bytes(const T& value) {
  const Bytes bytes = object_bytes(value);
  return {bytes.begin(), bytes.end()};
}

/// Whether a prefix shorter than this one, or the same, is in the set.
bool covered(const Prefix& prefix, const std::set<Prefix>& by, unsigned longest) {
  for (unsigned bits = 0; bits <= longest; ++bits) {
    if (by.contains(prefix.truncated(bits))) return true;
  }
  return false;
}

bool covered(const Prefix& prefix, const std::set<Prefix>& by) {
  return covered(prefix, by, prefix.bits);
}

bool covered_by_shorter(const Prefix& prefix, const std::set<Prefix>& by) {
  return prefix.bits > 0 && covered(prefix, by, prefix.bits - 1u);
}

MapBytes address_key(const Prefix& address) {
  const auto bytes = std::as_bytes(std::span(address.bytes)).first(address.address_bits() / 8);
  return {bytes.begin(), bytes.end()};
}

MapBytes cidr_key(const Prefix& prefix) {
  MapBytes key = map_bytes(std::uint32_t{prefix.bits});
  const MapBytes address = address_key(prefix);
  key.insert(key.end(), address.begin(), address.end());
  return key;
}

void add_prefix(FilterState& state, const Prefix& prefix, std::uint32_t flags) {
  const address_verdict verdict{.flags = flags};
  if (prefix.is_single_address()) {
    state[prefix.ipv6 ? Table::kAddress6 : Table::kAddress4][address_key(prefix)] =
        map_bytes(verdict);
  } else {
    state[prefix.ipv6 ? Table::kCidr6 : Table::kCidr4][cidr_key(prefix)] = map_bytes(verdict);
  }
}

void add_addresses(FilterState& state, const Specification& specification) {
  const auto& excluded = specification.excluded_addresses;
  for (const Prefix& prefix : specification.addresses) {
    const bool out = covered(prefix, excluded);
    if (prefix.is_single_address()) {
      add_prefix(state, prefix, out ? ADDRESS_EXCLUDED : ADDRESS_INCLUDED);
    } else if (!out && !covered_by_shorter(prefix, specification.addresses)) {
      add_prefix(state, prefix, ADDRESS_INCLUDED);
    }
  }
  for (const Prefix& prefix : excluded) {
    if (prefix.is_single_address() || !covered_by_shorter(prefix, excluded))
      add_prefix(state, prefix, ADDRESS_EXCLUDED);
  }
}

/// What is said of the address alone or of the CIDRs around it.
std::uint32_t verdict_of(const Prefix& address, const Specification& specification) {
  if (covered(address, specification.excluded_addresses)) return ADDRESS_EXCLUDED;
  return covered(address, specification.addresses) ? ADDRESS_INCLUDED : 0;
}

void add_pods(FilterState& state, const Specification& specification) {
  for (const Prefix& address : specification.targets)
    add_prefix(state, address, verdict_of(address, specification) | ADDRESS_TARGET);
}

void add_ports(FilterState& state, const Specification& specification) {
  MapEntries& ports = state[Table::kPorts];
  for (const std::uint16_t port : specification.ports)
    ports[map_bytes(port)] = map_bytes(port_verdict{PORT_INCLUDED});
  for (const std::uint16_t port : specification.excluded_ports) {
    ports[map_bytes(port)] = map_bytes(port_verdict{PORT_EXCLUDED});
  }
}

endpoint_key make_endpoint_key(const Endpoint& endpoint) {
  endpoint_key key{};
  key.port = endpoint.port;
  if (inet_pton(AF_INET6, endpoint.address.c_str(), key.address) == 1) return key;
  key.address[10] = key.address[11] = 0xff;
  inet_pton(AF_INET, endpoint.address.c_str(), key.address + 12);
  return key;
}

Status add_own_endpoints(FilterState& state, const std::vector<Endpoint>& own) {
  std::set<std::uint16_t> ports;
  for (const Endpoint& endpoint : own) {
    if (endpoint.is_unix()) continue;
    ports.insert(endpoint.port);
    state[Table::kOwnEndpoint][map_bytes(make_endpoint_key(endpoint))] = map_bytes(std::uint8_t{1});
  }
  if (ports.size() > CAPROCK_OWN_PORTS) {
    return Error(fmt::format(
        "agent.listen: {} TCP ports; at most {} can be left out of the record, so listen on fewer "
        "or set agent.captureSelf",
        ports.size(), static_cast<int>(CAPROCK_OWN_PORTS)));
  }
  std::copy(ports.begin(), ports.end(), state.settings.own_ports);
  return {};
}

Status check_sizes(const FilterState& state) {
  for (const Table table : kAddressTables) {
    if (state[table].size() <= kMaxAddresses) continue;
    return Error(fmt::format(
        "agent.addresses, agent.excludedAddresses and pods: {} entries for map {}, which takes {}; "
        "summarise addresses in CIDRs",
        state[table].size(), kTableNames[static_cast<std::size_t>(table)], kMaxAddresses));
  }
  return {};
}

std::uint32_t make_flags(const Specification& specification, const FilterState& state) {
  const bool cidr4 = !state[Table::kCidr4].empty();
  const bool cidr6 = !state[Table::kCidr6].empty();
  const bool addresses =
      cidr4 || cidr6 || !state[Table::kAddress4].empty() || !state[Table::kAddress6].empty();
  std::uint32_t flags = 0;
  if (specification.tcp) flags |= SETTINGS_TCP;
  if (specification.udp) flags |= SETTINGS_UDP;
  if (specification.drop_on_overload) flags |= SETTINGS_DROP_ON_OVERLOAD;
  if (addresses) flags |= SETTINGS_ADDRESSES;
  if (cidr4) flags |= SETTINGS_CIDR4;
  if (cidr6) flags |= SETTINGS_CIDR6;
  if (!specification.addresses.empty()) flags |= SETTINGS_ONLY_ADDRESSES;
  if (!state[Table::kPorts].empty()) flags |= SETTINGS_PORTS;
  if (!specification.ports.empty()) flags |= SETTINGS_ONLY_PORTS;
  if (!state[Table::kOwnEndpoint].empty()) flags |= SETTINGS_OWN_PORTS;
  return flags;
}

}  // namespace

Result<FilterState> compile(const Specification& specification, const std::vector<Endpoint>& own) {
  FilterState state;
  add_addresses(state, specification);
  add_pods(state, specification);
  add_ports(state, specification);
  if (auto added = add_own_endpoints(state, own); !added) return std::move(added).error();
  if (auto fits = check_sizes(state); !fits) return std::move(fits).error();
  state.settings.snaplen = specification.snaplen;
  state.settings.flags = make_flags(specification, state);
  return state;
}

bool takes_everything(const FilterState& state) {
  constexpr std::uint32_t kRestrictions =
      SETTINGS_ONLY_ADDRESSES | SETTINGS_PORTS | SETTINGS_ONLY_PORTS;
  if ((state.settings.flags & kRestrictions) != 0) return false;
  return std::ranges::none_of(kAddressTables, [&](Table table) {
    return std::ranges::any_of(state[table], [](const auto& entry) {
      return (load<address_verdict>(entry.second).flags & ADDRESS_EXCLUDED) != 0;
    });
  });
}

}  // namespace caprock::filter
