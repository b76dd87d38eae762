// SPDX-License-Identifier: Apache-2.0
#include "test_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "core/fd.hpp"

namespace caprock::test {
namespace {

std::filesystem::path make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "caprock-http-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  return name;
}

Endpoint listen(http::Server& server, const std::string& text) {
  auto bound = server.listen(*Endpoint::parse(text));
  if (!bound) FAIL(bound.error().message());
  return *bound;
}

}  // namespace

TestServer::TestServer(std::vector<http::Route> routes, http::Limits limits)
    : directory_(make_directory()) {
  server_.emplace(context_.get_executor(), std::move(routes), limits);
  unix_ = listen(*server_, "unix:" + (directory_ / "run/agent.sock").string());
  tcp_ = listen(*server_, "127.0.0.1:0");
  thread_ = std::jthread([this] {
    const auto work = boost::asio::make_work_guard(context_);
    context_.run();
  });
}

TestServer::~TestServer() {
  on_control_plane([&] {
    server_.reset();
    context_.stop();
  });
  thread_.join();
  std::filesystem::remove_all(directory_);
}

http::Client TestServer::client() const {
  return http::Client(*http::ServerAddress::parse(unix_.text()));
}

void TestServer::on_control_plane(const std::function<void()>& work) {
  std::promise<void> done;
  boost::asio::post(context_, [&] {
    work();
    done.set_value();
  });
  done.get_future().get();
}

int connect_to(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, endpoint.path.c_str());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

std::string raw_answer(const Endpoint& endpoint, const std::string& request,
                       std::chrono::milliseconds timeout) {
  const Fd socket(connect_to(endpoint));
  // The server may refuse, and close, before it has read everything.
  ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char buffer[4096];
  pollfd ready{socket.get(), POLLIN, 0};
  while (::poll(&ready, 1, static_cast<int>(timeout.count())) > 0) {
    const auto got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  return answer;
}

http::Route get_route(std::string_view path, http::Access access, http::Response response) {
  return {"GET", path, access,
          [response](const http::Request&) -> boost::asio::awaitable<http::Response> {
            co_return response;
          }};
}

}  // namespace caprock::test
