// SPDX-License-Identifier: Apache-2.0
// The HTTP server of an agent: listeners of two classes of access, one table of routes.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "core/endpoint.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

namespace caprock::http {

struct Limits {
  std::size_t header_bytes = 8192;    // of a request
  std::size_t body_bytes = 64 << 10;  // of one that may have a body: PATCH
  std::size_t sessions = 64;  // connections of one access at a time; further ones are told to
                              // come back
  std::size_t streams = 8;    // streamed responses at a time, each with a thread
  std::chrono::seconds idle = std::chrono::seconds(30);  // until a request is there, whole
  std::chrono::seconds stalled =
      std::chrono::seconds(300);  // until the client takes the next piece
};

/// Lives on the control plane: its executor runs on one thread, which constructs, calls and
/// destroys it. Streamed bodies run on worker threads of its own.
class Server {
 public:
  explicit Server(boost::asio::any_io_executor executor, std::vector<Route> routes,
                  Limits limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Stops, and waits for the streams' threads.
  ~Server();

  /// Begins to serve there. A Unix socket grants full access, a loopback address public access.
  /// Returns the endpoint with the port that the kernel chose where it was 0.
  Result<Endpoint> listen(const Endpoint& endpoint);

  /// Asks the streams to end, so that one without an end of its own ends in good order, and waits
  /// for them, but not for long: an export that takes longer breaks off when the server stops.
  boost::asio::awaitable<void> end_streams();

  /// Closes listeners (and removes their sockets) and all connections.
  void stop();

 private:
  struct State;
  std::shared_ptr<State>
      state_;  // shared with the connections' coroutines, which may outlive the server by a turn
};

}  // namespace caprock::http
