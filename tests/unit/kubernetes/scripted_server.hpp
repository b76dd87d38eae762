// SPDX-License-Identifier: Apache-2.0
// An API server whose answers are written down: byte by byte where a test wants it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/fd.hpp"
#include "test_certificates.hpp"

namespace caprock::test {

struct Asked {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;

  bool watch() const { return target.find("watch=1") != target.npos; }
  bool has(std::string_view part) const { return target.find(part) != target.npos; }
};

/// One connection, as the server has it; it blocks.
class Wire {
 public:
  Wire(int socket, SSL_CTX* tls);

  std::optional<Asked> next();
  void send(std::string_view bytes);
  void answer(int status, std::string_view body, std::string_view headers = {});
  void begin_chunks(std::string_view headers = {});
  void chunk(std::string_view bytes);
  void end_chunks() { send("0\r\n\r\n"); }
  /// Until the client goes away, or the server stops.
  void wait_for_end();
  /// Without a last word.
  void break_off();

 private:
  std::size_t receive(char* into, std::size_t size);
  std::optional<std::string> line();

  int socket_;  // the server's
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, &SSL_free};
  std::string unread_;
};

using Step = std::function<void(Wire&, const Asked&)>;

/// Takes the requests for each resource by the steps of its script, one after another, and then for
/// ever as a server with nothing in it: an empty list, a watch that says nothing.
class ScriptedServer {
 public:
  using Script = std::map<std::string, std::vector<Step>>;  // by resource

  explicit ScriptedServer(Script script, const ServerIdentity* tls = nullptr,
                          std::uint16_t port = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// Those for one resource so far.
  std::vector<Asked> asked(const std::string& resource) const;
  std::size_t connections() const;

 private:
  void accept_loop();
  void serve(int socket);
  Step next_step(const Asked& asked);

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, &SSL_CTX_free};
  Fd listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;  // of what follows
  Script script_;
  std::map<std::string, std::vector<Asked>> asked_;
  std::vector<Fd> sockets_;  // open until the end, so that a number means one connection
  std::vector<std::jthread> sessions_;
  bool stopped_ = false;
  std::jthread acceptor_;
};

/// {"kind":"List",…} of these objects.
std::string list_of(const std::vector<std::string>& items, const std::string& version,
                    const std::string& next_page = {});
/// A line of a watch.
std::string event_of(const std::string& type, const std::string& object);
std::string bookmark(const std::string& version);
/// A Status object.
std::string status_of(int code, const std::string& reason, const std::string& message);

std::string pod_json(const std::string& name, const std::string& version,
                     const std::string& address = {});
std::string namespace_json(const std::string& name, const std::string& version);
std::string event_json(const std::string& pod, const std::string& reason,
                       const std::string& version, const std::string& host = {});

Step answers(int status, std::string body, std::string headers = {});
/// A watch of these lines, which then goes on without a word.
Step watches(std::vector<std::string> lines);
/// A watch of these lines that then ends in order, though not at once.
Step watches_and_ends(std::vector<std::string> lines);

}  // namespace caprock::test
