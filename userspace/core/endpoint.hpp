// SPDX-License-Identifier: Apache-2.0
// Where a server listens and a client connects: "unix:/run/caprock/agent.sock", "127.0.0.1:8897",
// "[::1]:8897".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace caprock {

/// A Unix socket's path, or a numeric address with a TCP port.
struct Endpoint {
  std::string path;     // absolute; empty: TCP
  std::string address;  // IPv4 or IPv6 without brackets; empty: Unix socket
  std::uint16_t port = 0;

  /// Refuses host names (a listener must not depend on a resolver) and paths longer than the kernel
  /// takes.
  static Result<Endpoint> parse(std::string_view text);

  bool is_unix() const { return !path.empty(); }

  /// A Unix socket, or an address of this host that no other host can reach.
  bool is_local() const;

  /// As parse() takes it.
  std::string text() const;

  bool operator==(const Endpoint&) const = default;
};

}  // namespace caprock
