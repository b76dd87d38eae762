// SPDX-License-Identifier: Apache-2.0
// In which network namespace an address is, and when: a port of it is a socket of that namespace.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "export/packet_flow.hpp"

namespace caprock::exporting {

/// Namespaces go by their inode. Is told in order of time.
class NamespaceAddresses {
 public:
  /// This one is the agent's own, whose loopback interface is the one that is recorded.
  void set_host(std::uint64_t network) { host_ = network; }

  /// The namespace has these addresses from now on, and no others. One that was only noticed to
  /// have one of them has it no more: it may have ended without anybody telling.
  void tell(std::uint64_t network, const std::vector<Address>& addresses, std::int64_t time_ns);

  /// A socket of the namespace has the address. Counts only as long as no list of the namespace is
  /// known: a transparent proxy has sockets with the addresses of others.
  void notice(std::uint64_t network, const Address& address, std::int64_t time_ns);

  /// Whether packets of that address are recorded: of the loopback interfaces only the host's is.
  bool is_recorded(std::uint64_t network, const Address& address) const;

  /// The namespace that had the address then. Nothing where none is known to, and where several
  /// had it.
  std::optional<std::uint64_t> of(const Address& address, std::int64_t time_ns) const;

  /// Nothing is asked any more of what was over before `needed_from_ns`, nor of a namespace that
  /// was only noticed, unless it is one of `used`.
  void forget(std::int64_t needed_from_ns, const std::set<std::uint64_t>& used);

 private:
  struct Network {
    std::optional<std::int64_t> told_ns;  // when its list was last told
    std::set<Address> addresses;          // at the moment
  };
  struct Stay {
    std::uint64_t network;
    std::int64_t begin_ns;
    std::int64_t end_ns = INT64_MAX;
  };

  void come(std::uint64_t network, const Address& address, std::int64_t time_ns);
  void go(std::uint64_t network, const Address& address, std::int64_t time_ns);
  void go_from_noticed(const Address& address, std::int64_t time_ns);

  std::map<std::uint64_t, Network> networks_;
  std::map<Address, std::vector<Stay>> stays_;
  std::optional<std::uint64_t> host_;
};

}  // namespace caprock::exporting
