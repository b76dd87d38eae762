// SPDX-License-Identifier: Apache-2.0
#include "filter/specification.hpp"

#include <string>
#include <utility>

namespace caprock::filter {
namespace {

Result<std::set<Prefix>> parse_all(const std::vector<std::string>& texts, std::string_view key) {
  std::set<Prefix> prefixes;
  for (const std::string& text : texts) {
    auto prefix = Prefix::parse(text);
    if (!prefix) return std::move(prefix).error().context(key);
    prefixes.insert(*prefix);
  }
  return prefixes;
}

}  // namespace

Result<Specification> Specification::from(const config::Agent& agent) {
  auto addresses = parse_all(agent.addresses, "agent.addresses");
  if (!addresses) return std::move(addresses).error();
  auto excluded = parse_all(agent.excluded_addresses, "agent.excludedAddresses");
  if (!excluded) return std::move(excluded).error();
  return Specification{
      .tcp = agent.tcp,
      .udp = agent.udp,
      .addresses = *std::move(addresses),
      .excluded_addresses = *std::move(excluded),
      .ports = {agent.ports.begin(), agent.ports.end()},
      .excluded_ports = {agent.excluded_ports.begin(), agent.excluded_ports.end()},
      .snaplen = agent.snaplen,
      .drop_on_overload = agent.overload == config::Overload::kDrop,
  };
}

}  // namespace caprock::filter
