// SPDX-License-Identifier: Apache-2.0
// A server on a Unix socket and on loopback, with its control plane on a thread of its own, and a
// client of raw bytes.
#pragma once

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>

#include "http/client.hpp"
#include "http/server.hpp"

namespace caprock::test {

class TestServer {
 public:
  explicit TestServer(std::vector<http::Route> routes, http::Limits limits = {});
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer();

  const Endpoint& unix_endpoint() const { return unix_; }
  const Endpoint& tcp_endpoint() const { return tcp_; }
  http::Client client() const;

  /// Runs `work` on the control plane's thread and waits for it.
  void on_control_plane(const std::function<void()>& work);

  /// Asks the streams to end and waits for them, as an agent does before it stops.
  void end_streams() {
    boost::asio::co_spawn(context_, server_->end_streams(), boost::asio::use_future).get();
  }

  void stop() {
    on_control_plane([&] { server_->stop(); });
  }

 private:
  std::filesystem::path directory_;
  boost::asio::io_context context_{1};
  std::optional<http::Server> server_;
  Endpoint unix_;
  Endpoint tcp_;
  std::jthread thread_;
};

/// Sends `request` and reads until the server closes the connection or `timeout` is over.
std::string raw_answer(const Endpoint& endpoint, const std::string& request,
                       std::chrono::milliseconds timeout = std::chrono::seconds(5));

/// A connected socket, for clients that behave badly.
int connect_to(const Endpoint& endpoint);

http::Route get_route(std::string_view path, http::Access access, http::Response response);

}  // namespace caprock::test
