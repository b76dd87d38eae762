// SPDX-License-Identifier: Apache-2.0
// The match of bpf/lib/match.bpf.h in C++: what programs make of the filter maps.
#pragma once

#include <cstring>
#include <string>

#include "filter/filter_state.hpp"
#include "filter/prefix.hpp"

namespace caprock::filter {

struct Flow {
  bool tcp = true;
  Prefix source;
  Prefix destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

struct Link {
  bool targets = false;  // INTERFACE_TARGETS
};

inline Prefix address(const std::string& text) {
  return *Prefix::parse(text);
}

class FilterModel {
 public:
  explicit FilterModel(const FilterState& state) : state_(state) {}

  bool takes(const Flow& flow, const Link& link = {}) const {
    if (!has(flow.tcp ? SETTINGS_TCP : SETTINGS_UDP)) return false;
    const std::uint32_t flags =
        has(SETTINGS_ADDRESSES) ? address_flags(flow.source) | address_flags(flow.destination) : 0;
    if (link.targets && (flags & ADDRESS_TARGET) == 0) return false;
    return addresses_match(flags) && ports_match(flow);
  }

  std::uint32_t address_flags(const Prefix& address) const {
    if (const auto* exact = find(address.ipv6 ? Table::kAddress6 : Table::kAddress4, key(address)))
      return *exact;
    if (!has(address.ipv6 ? SETTINGS_CIDR6 : SETTINGS_CIDR4)) return 0;
    for (unsigned bits = address.address_bits() + 1; bits-- > 0;) {
      const Prefix prefix = address.truncated(bits);
      capture::MapBytes trie_key(4);
      put(trie_key, 0, std::uint32_t{bits});
      const auto bytes = key(prefix);
      trie_key.insert(trie_key.end(), bytes.begin(), bytes.end());
      if (const auto* found = find(address.ipv6 ? Table::kCidr6 : Table::kCidr4, trie_key))
        return *found;
    }
    return 0;
  }

 private:
  bool has(std::uint32_t flag) const { return (state_.settings.flags & flag) != 0; }

  static capture::MapBytes key(const Prefix& address) {
    const auto* bytes = reinterpret_cast<const std::byte*>(address.bytes.data());
    return {bytes, bytes + address.address_bits() / 8};
  }

  const std::uint32_t* find(Table table, const capture::MapBytes& key) const {
    const auto found = state_[table].find(key);
    return found == state_[table].end()
               ? nullptr
               : reinterpret_cast<const std::uint32_t*>(found->second.data());
  }

  bool addresses_match(std::uint32_t flags) const {
    if ((flags & ADDRESS_EXCLUDED) != 0) return false;
    return (flags & ADDRESS_INCLUDED) != 0 || !has(SETTINGS_ONLY_ADDRESSES);
  }

  std::uint32_t port_flags(std::uint16_t port) const {
    capture::MapBytes key(2);
    put(key, 0, port);
    const auto* found = find(Table::kPorts, key);
    return found != nullptr ? *found : 0;
  }

  bool ports_match(const Flow& flow) const {
    if (!has(SETTINGS_PORTS)) return !has(SETTINGS_ONLY_PORTS);
    const std::uint32_t flags = port_flags(flow.source_port) | port_flags(flow.destination_port);
    if ((flags & PORT_EXCLUDED) != 0) return false;
    return (flags & PORT_INCLUDED) != 0 || !has(SETTINGS_ONLY_PORTS);
  }

  const FilterState& state_;
};

}  // namespace caprock::filter
