// SPDX-License-Identifier: Apache-2.0
// What a handler of the server sees and says.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "core/byte_span.hpp"
#include "core/result.hpp"

namespace caprock::http {

/// What a listener lets its clients do, and what a route asks for.
enum class Access {
  kPublic,  // health, metrics, status: nothing of the traffic
  kFull,
};

struct Request {
  std::string method;
  std::string path;                          // decoded
  std::map<std::string, std::string> query;  // decoded
  std::string body = {};

  /// The parameter's value, or `fallback` where it is not given.
  std::string parameter(const std::string& name, std::string_view fallback = {}) const;
};

/// The body of a response that is too large or too long-lived to be made at once. Worker thread.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  /// Sends `bytes` and returns when they are with the kernel: the client's pace is the writer's.
  /// False: the client has gone or the server stops, so give up.
  virtual bool write(Bytes bytes) = 0;

  /// Whether to go on: somebody is still listening, and the server does not ask for an end. For
  /// writers that have nothing to write for a while.
  virtual bool open() = 0;
};

/// Runs on a worker thread. An error before the first byte becomes a problem+json; after it, the
/// connection breaks off, so that the client cannot take a part for the whole.
using StreamBody = std::function<Status(StreamWriter&)>;

/// Runs on a worker thread in front of a stream, for what takes too long for a handler to check.
/// Its error is the client's (400).
using StreamCheck = std::function<Status()>;

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  StreamBody stream;  // instead of `body`, when set
  StreamCheck check = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// An error as application/problem+json (RFC 9457).
Response problem(unsigned status, std::string_view detail);

/// Runs on the control plane's thread and must not block it.
using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

struct Route {
  std::string_view method;  // HEAD is served by GET's
  std::string_view path;    // whole
  Access access;
  Handler handler;
};

}  // namespace caprock::http
