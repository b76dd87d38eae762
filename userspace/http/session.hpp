// SPDX-License-Identifier: Apache-2.0
// One connection of the server: reads requests, finds their routes, writes responses.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/chunked_writer.hpp"
#include "http/listener.hpp"
#include "http/message.hpp"
#include "http/server.hpp"

namespace caprock::http {

using RawRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// What all sessions of a server share. Outlives them.
struct SessionContext {
  std::vector<Route> routes;
  Limits limits;
  boost::asio::thread_pool::executor_type workers;
  std::size_t streams = 0;  // at work
  StreamEnd end = {};
};

/// Lives on the control plane.
class Session {
 public:
  /// `port`: of the listener, for the Host header's check; 0: a Unix socket, no check.
  Session(Stream stream, SessionContext& context, Access access, unsigned port);

  /// Serves until the client leaves, times out, or close() is called.
  boost::asio::awaitable<void> run();

  /// Answers whatever comes with a problem and ends.
  boost::asio::awaitable<void> turn_away();

  void close();

  Access access() const { return access_; }

 private:
  /// False: the connection is not to be used again.
  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Response> answer(RawRequest& request) const;
  boost::asio::awaitable<bool> send(const RawRequest& request, Response response);
  boost::asio::awaitable<bool> send_stream(const RawRequest& request, Response response);

  Stream stream_;
  SessionContext& context_;
  Access access_;
  unsigned port_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace caprock::http
