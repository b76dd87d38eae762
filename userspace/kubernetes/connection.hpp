// SPDX-License-Identifier: Apache-2.0
// One connection to the API server: HTTP/1.1, with or without TLS, one request after another.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>

#include "core/result.hpp"
#include "kubernetes/api_server.hpp"

namespace caprock::kubernetes {

struct Request {
  boost::beast::http::verb method = boost::beast::http::verb::get;
  std::string target;  // path and query, encoded
  std::string body;    // JSON
  /// The longest time between two parts of the answer's body.
  std::chrono::milliseconds silence = std::chrono::seconds(30);
};

struct AnswerHead {
  unsigned status = 0;
  std::chrono::milliseconds retry_after{0};  // 0: not told
};

/// Control-plane thread. Errors name the server.
class Connection {
 public:
  Connection(boost::asio::any_io_executor executor, std::shared_ptr<ApiServer> server);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects where it is not connected, and anew where the answer before was not read to its end.
  boost::asio::awaitable<Result<AnswerHead>> ask(const Request& request);

  /// The next part of the body, valid until the next call; empty: it is over.
  boost::asio::awaitable<Result<std::string_view>> read();

  /// Breaks off whatever goes on. The next request connects again.
  void close();

  /// The token of the last request; empty: it had none.
  const std::string& token() const { return token_; }

  /// Of answers, as they came, since the beginning.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Transport;
  struct Answer;

  boost::asio::awaitable<Status> open();
  boost::asio::awaitable<Status> shake_hands();
  boost::asio::awaitable<Result<AnswerHead>> exchange(const Request& request);
  boost::asio::awaitable<Status> receive();
  Error failure(std::string_view what) const;

  boost::asio::any_io_executor executor_;
  std::shared_ptr<ApiServer> server_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Answer> answer_;
  std::string token_;
  std::uint64_t bytes_ = 0;
  bool closed_ = false;  // since the last request began
};

}  // namespace caprock::kubernetes
