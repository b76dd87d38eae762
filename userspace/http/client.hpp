// SPDX-License-Identifier: Apache-2.0
// A synchronous client of an agent, for the command line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/byte_span.hpp"
#include "core/result.hpp"
#include "http/target.hpp"

namespace caprock::http {

/// Where an agent is reached: "unix:/run/caprock/agent.sock" or "http://127.0.0.1:8897".
struct ServerAddress {
  std::string text;  // as given
  std::string path;  // of the Unix socket; empty: TCP
  std::string host;
  std::string port;

  static Result<ServerAddress> parse(std::string_view text);
};

/// Takes the body piece by piece; an error ends the transfer and is what the call returns.
using BodySink = std::function<Status(Bytes)>;

/// One connection a call. An answer that is not a 200 becomes an error with the detail of its
/// problem+json; an agent that cannot be reached, one that says how to look for it.
class Client {
 public:
  explicit Client(ServerAddress server) : server_(std::move(server)) {}

  /// The whole body.
  Result<std::string> get(const Target& target) const;

  /// Changes something by a JSON document; the answer's body.
  Result<std::string> patch(const Target& target, std::string document) const;

  /// A body of any length. A transfer that breaks off is an error.
  Status get(const Target& target, const BodySink& sink) const;

 private:
  struct Asked {
    std::string_view method;
    Target target;
    std::string document = {};  // a body, of JSON; empty: none
  };
  Status ask(const Asked& asked, const BodySink& sink) const;
  Result<std::string> ask(const Asked& asked) const;

  ServerAddress server_;
};

}  // namespace caprock::http
