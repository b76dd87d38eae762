// SPDX-License-Identifier: Apache-2.0
// Whose a UDP socket was, and when.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "export/socket_event.hpp"
#include "export/tenure.hpp"

namespace caprock::exporting {

/// Is told in order of time.
class DatagramOwners {
 public:
  /// What was over before `needed_from_ns`, wall time, is not kept.
  explicit DatagramOwners(std::int64_t needed_from_ns) : needed_from_ns_(needed_from_ns) {}
  DatagramOwners(DatagramOwners&&) = default;
  DatagramOwners& operator=(DatagramOwners&&) = default;

  /// Nothing is asked any more of what was over before `needed_from_ns`. Returns how many tenures
  /// are still kept.
  std::size_t forget(std::int64_t needed_from_ns);

  /// The namespaces of which sockets are kept.
  std::set<std::uint64_t> networks() const;

  /// Of an event with a flow, a process and a network namespace.
  void take(const SocketEvent& event);

  /// The process has ended, and its sockets with it. One that a child goes on with is its own no
  /// more: whose it is then is not known.
  void exit(std::uint32_t pid, std::int64_t time_ns);

  /// Nothing is told from `end_ns` until `begin_ns`, when the sockets that are still there are
  /// told again.
  void interrupt(std::int64_t end_ns, std::int64_t begin_ns);

  /// Who had then the socket of that namespace to which a packet between these ends belongs; null:
  /// not known. It is found as the kernel does: one connected to the remote end, one bound to the
  /// local address, one to any of IPv4, one to any of IPv6. Where a wider one of another process
  /// is younger, one of the two is told no more, and nothing is known.
  const Process* of(std::uint64_t network, const FlowEnd& local, const FlowEnd& remote,
                    std::int64_t time_ns) const;

 private:
  struct Socket {
    std::uint64_t network = 0;
    FlowEnd local;
    FlowEnd remote;  // zeros: it is not connected

    auto operator<=>(const Socket&) const = default;
  };

  static std::array<Socket, 4> candidates(std::uint64_t network, const FlowEnd& local,
                                          const FlowEnd& remote);
  static Socket socket_of(const SocketEvent& event);

  void bind(const SocketEvent& event);
  void find_open(const SocketEvent& event);
  bool has_wider(const Socket& socket, std::uint32_t pid) const;
  void close(const SocketEvent& event);
  void hold(Tenures& tenures, Tenure tenure);
  void end(Tenures& tenures, std::int64_t time_ns);

  std::int64_t needed_from_ns_;
  std::int64_t interrupted_ns_ = INT64_MIN;
  std::int64_t resumed_ns_ = INT64_MIN;
  std::map<Socket, Tenures> sockets_;
  std::unordered_map<std::uint32_t, std::unordered_set<Tenures*>> of_process_;  // by pid
};

}  // namespace caprock::exporting
