// SPDX-License-Identifier: Apache-2.0
// What the addresses of pods, services and the node are called: in name resolution blocks, which
// Wireshark shows in place of the addresses, and in CAPROCK_NAME.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// A name and the addresses that it is for; none: it is for none (any more).
struct AddressNames {
  std::string name;  // empty: the object gives its addresses no name
  std::vector<std::string> addresses;

  bool operator==(const AddressNames&) const = default;
};

bool has_ended(const Pod& pod);

/// "shop/frontend-7c9". No name for a pod on the host's network: the address is the node's. No
/// address for one that has come to its end: another pod may have it by now.
AddressNames names_of(const Pod& pod);

/// "shop/frontend.svc", for its addresses in the cluster: external ones may be nodes'.
AddressNames names_of(const Service& service);

/// The node's own.
AddressNames names_of(const Node& node);

/// "namespace/name", as Wireshark can show it: of 63 bytes at the most. A longer one loses what
/// stands in front of its end, which tells the pods of a workload apart.
std::string address_name(std::string_view namespace_name, std::string_view name);

/// Appends name resolution blocks with these names; what is no address is left out.
void write_names(std::vector<std::byte>& out, std::span<const AddressNames> names);

}  // namespace caprock::kubernetes
