// SPDX-License-Identifier: Apache-2.0
#include "scripted_server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {
namespace {

constexpr auto kLongerThanShort = std::chrono::milliseconds(1100);  // ListWatch: kShortWatch

std::string resource_of(const std::string& target) {
  const auto path = target.substr(0, target.find('?'));
  return path.substr(path.rfind('/') + 1);
}

int listen_on_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(fd, 16) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

Wire::Wire(int socket, SSL_CTX* tls) : socket_(socket) {
  if (tls == nullptr) return;
  tls_.reset(SSL_new(tls));
  SSL_set_fd(tls_.get(), socket_);
  if (SSL_accept(tls_.get()) != 1) break_off();
}

std::size_t Wire::receive(char* into, std::size_t size) {
  const auto got = tls_ ? SSL_read(tls_.get(), into, static_cast<int>(size))
                        : static_cast<int>(::recv(socket_, into, size, 0));
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::optional<std::string> Wire::line() {
  for (auto end = unread_.find("\r\n");; end = unread_.find("\r\n")) {
    if (end != unread_.npos) {
      auto found = unread_.substr(0, end);
      unread_.erase(0, end + 2);
      return found;
    }
    char more[4096];
    const auto got = receive(more, sizeof more);
    if (got == 0) return std::nullopt;
    unread_.append(more, got);
  }
}

std::optional<Asked> Wire::next() {
  Asked asked;
  const auto first = line();
  if (!first) return std::nullopt;
  const auto space = first->find(' ');
  asked.method = first->substr(0, space);
  asked.target = first->substr(space + 1, first->rfind(' ') - space - 1);
  for (auto header = line(); header && !header->empty(); header = line()) {
    const auto colon = header->find(": ");
    auto name = header->substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    asked.headers[name] = header->substr(colon + 2);
  }
  const auto length = asked.headers.find("content-length");
  const auto size = length == asked.headers.end() ? 0 : std::stoul(length->second);
  char more[4096];
  while (unread_.size() < size)
    if (const auto got = receive(more, sizeof more); got != 0)
      unread_.append(more, got);
    else
      return std::nullopt;
  asked.body = unread_.substr(0, size);
  unread_.erase(0, size);
  return asked;
}

void Wire::send(std::string_view bytes) {
  if (tls_)
    SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
  else
    ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void Wire::answer(int status, std::string_view body, std::string_view headers) {
  send(
      fmt::format("HTTP/1.1 {} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n",
                  status, body.size(), headers));
  send(body);
}

void Wire::begin_chunks(std::string_view headers) {
  send(fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{}\r\n", headers));
}

void Wire::chunk(std::string_view bytes) {
  send(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void Wire::wait_for_end() {
  char ignored[4096];
  while (receive(ignored, sizeof ignored) != 0) {
  }
}

void Wire::break_off() {
  ::shutdown(socket_, SHUT_RDWR);
}

ScriptedServer::ScriptedServer(Script script, const ServerIdentity* tls, std::uint16_t port)
    : port_(port), script_(std::move(script)) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL does not ask for MSG_NOSIGNAL
  if (tls != nullptr) tls_.reset(make_server_context(*tls));
  listener_.reset(listen_on_loopback(port_));
  acceptor_ = std::jthread([this] { accept_loop(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    for (const auto& socket : sockets_)
      ::shutdown(socket.get(), SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  sessions_.clear();
}

void ScriptedServer::accept_loop() {
  for (;;) {
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::scoped_lock lock(mutex_);
    if (stopped_) ::shutdown(socket, SHUT_RDWR);
    sockets_.emplace_back(socket);
    sessions_.emplace_back([this, socket] { serve(socket); });
  }
}

void ScriptedServer::serve(int socket) {
  Wire wire(socket, tls_.get());
  while (const auto asked = wire.next())
    next_step (*asked)(wire, *asked);
  wire.break_off();
}

Step ScriptedServer::next_step(const Asked& asked) {
  const std::scoped_lock lock(mutex_);
  const auto resource = resource_of(asked.target);
  auto& seen = asked_[resource];
  seen.push_back(asked);
  const auto& steps = script_[resource];
  if (seen.size() <= steps.size()) return steps[seen.size() - 1];
  return asked.watch() ? watches({}) : answers(200, list_of({}, "100"));
}

std::vector<Asked> ScriptedServer::asked(const std::string& resource) const {
  const std::scoped_lock lock(mutex_);
  const auto found = asked_.find(resource);
  return found == asked_.end() ? std::vector<Asked>() : found->second;
}

std::size_t ScriptedServer::connections() const {
  const std::scoped_lock lock(mutex_);
  return sockets_.size();
}

std::string list_of(const std::vector<std::string>& items, const std::string& version,
                    const std::string& next_page) {
  return fmt::format(
      R"({{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
      version, next_page, fmt::join(items, ","));
}

std::string event_of(const std::string& type, const std::string& object) {
  return fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", type, object);
}

std::string bookmark(const std::string& version) {
  return event_of("BOOKMARK", fmt::format(R"({{"metadata":{{"resourceVersion":"{}"}}}})", version));
}

std::string status_of(int code, const std::string& reason, const std::string& message) {
  return fmt::format(
      R"({{"kind":"Status","status":"Failure","code":{},"reason":"{}","message":"{}"}})", code,
      reason, message);
}

std::string pod_json(const std::string& name, const std::string& version,
                     const std::string& address) {
  return fmt::format(
      R"({{"metadata":{{"uid":"uid-{0}","namespace":"shop","name":"{0}","resourceVersion":"{1}"}},)"
      R"("spec":{{"nodeName":"n1"}},"status":{{"podIP":"{2}"}}}})",
      name, version, address);
}

std::string namespace_json(const std::string& name, const std::string& version) {
  return fmt::format(R"({{"metadata":{{"name":"{}","resourceVersion":"{}"}}}})", name, version);
}

std::string event_json(const std::string& pod, const std::string& reason,
                       const std::string& version, const std::string& host) {
  return fmt::format(
      R"({{"metadata":{{"uid":"e{0}","resourceVersion":"{0}"}},"reason":"{1}",)"
      R"("involvedObject":{{"kind":"Pod","uid":"uid-{2}"}},"source":{{"host":"{3}"}}}})",
      version, reason, pod, host);
}

Step answers(int status, std::string body, std::string headers) {
  return [=](Wire& wire, const Asked&) { wire.answer(status, body, headers); };
}

Step watches(std::vector<std::string> lines) {
  return [=](Wire& wire, const Asked&) {
    wire.begin_chunks();
    for (const auto& line : lines)
      wire.chunk(line);
    wire.wait_for_end();
  };
}

Step watches_and_ends(std::vector<std::string> lines) {
  return [=](Wire& wire, const Asked&) {
    wire.begin_chunks();
    for (const auto& line : lines)
      wire.chunk(line);
    std::this_thread::sleep_for(kLongerThanShort);
    wire.end_chunks();
  };
}

}  // namespace caprock::test
