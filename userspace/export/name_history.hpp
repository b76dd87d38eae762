// SPDX-License-Identifier: Apache-2.0
// Which names addresses had, and when, as the record's Kubernetes layer tells.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "export/packet_flow.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// An address has a name from then on.
struct Naming {
  std::int64_t begin_ns = 0;  // wall time
  Address address{};
  std::string name;
};

/// By docs/formats/kubernetes.md: an entry with CAPROCK_NAME says which addresses have the name
/// from then on, and an inventory that what is not told again is no more. One thread at a time.
class NameHistory {
 public:
  /// Takes what an entry tells, if anything. In order of time.
  void take(const pcapng::Block& journal);

  /// Of the window, in order of time: each address's first name there begins with it.
  std::vector<Naming> namings(std::int64_t from_ns, std::int64_t to_ns) const;

  /// What has come to have a name since the last call.
  std::vector<Naming> take_news() { return std::exchange(news_, {}); }

  /// Of names that ended up to then nobody will ask any more.
  void forget_ended(std::int64_t time_ns);

 private:
  static constexpr std::int64_t kNotWaiting = INT64_MAX;

  struct Named {
    std::int64_t told_ns = 0;
    std::set<Address> addresses;              // at the moment
    std::int64_t scheduled_ns = kNotWaiting;  // it has come then, and its addresses are not told
  };
  struct Stay {
    std::string name;
    std::int64_t begin_ns;
    std::int64_t end_ns = INT64_MAX;
  };

  void take_inventory(std::int64_t time_ns);
  void tell(const std::string& name, const std::vector<Address>& addresses, std::string_view event,
            std::int64_t time_ns);
  void come(const std::string& name, const Address& address, std::int64_t begin_ns,
            std::int64_t earliest_ns);
  void go(const std::string& name, const Address& address, std::int64_t end_ns);
  std::int64_t end_of(const Stay& stay) const;

  std::map<std::string, Named> names_;
  std::map<Address, std::vector<Stay>> stays_;  // by begin
  std::vector<Naming> news_;
  std::int64_t inventory_ns_ = INT64_MIN;  // time of the last one
};

/// Whether the entry says that all that is there is told again behind it.
bool is_inventory(const pcapng::Block& journal);

/// Name resolution blocks.
std::vector<std::byte> name_blocks(std::span<const Naming> namings);

}  // namespace caprock::exporting
