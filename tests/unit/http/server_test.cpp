// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include <boost/asio/local/stream_protocol.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "core/fd.hpp"
#include "test_server.hpp"

using namespace caprock;
using namespace caprock::http;
using namespace caprock::test;
using namespace std::chrono_literals;

namespace {

std::vector<Route> some_routes() {
  return {get_route("/status", Access::kPublic, {.body = "{\"ok\":true}", .stream = {}}),
          get_route("/traffic", Access::kFull, {.body = "secret", .stream = {}}),
          {"GET", "/fails", Access::kFull, [](const Request&) -> boost::asio::awaitable<Response> {
             throw std::runtime_error("the lane is gone");
             co_return Response{};
           }}};
}

std::string request(std::string_view method, std::string_view path, std::string_view host) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) +
         "\r\nConnection: close\r\n\r\n";
}

std::string local_host(const Endpoint& endpoint) {
  return "localhost:" + std::to_string(endpoint.port);
}

unsigned status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(answer.substr(9, 3)));
}

struct Malformed {
  std::string bytes;
  unsigned status;
};

}  // namespace

TEST_CASE("http server: a client gets what the handler says") {
  const TestServer server(some_routes());
  const auto body = server.client().get(Target{"/status", {}});
  REQUIRE(body);
  CHECK(*body == "{\"ok\":true}");
}

TEST_CASE("http server: the Unix socket is its owner's alone and goes with the server") {
  std::string path;
  {
    const TestServer server(some_routes());
    path = server.unix_endpoint().path;
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("http server: loopback serves the public routes and refuses the traffic") {
  const TestServer server(some_routes());
  const auto& tcp = server.tcp_endpoint();
  CHECK(status_of(raw_answer(tcp, request("GET", "/status", local_host(tcp)))) == 200);
  const auto refused = raw_answer(tcp, request("GET", "/traffic", local_host(tcp)));
  CHECK(status_of(refused) == 403);
  CHECK(refused.find("application/problem+json") != refused.npos);
  CHECK(refused.find("secret") == refused.npos);
}

TEST_CASE("http server: a browser led here under a foreign name gets nothing") {
  const TestServer server(some_routes());
  const auto& tcp = server.tcp_endpoint();
  CHECK(status_of(raw_answer(tcp, request("GET", "/status", "evil.example"))) == 421);
  CHECK(status_of(raw_answer(tcp, request("GET", "/status", "localhost:1"))) == 421);
  CHECK(status_of(raw_answer(server.unix_endpoint(), request("GET", "/status", "anything"))) ==
        200);
}

TEST_CASE("http server: HEAD answers like GET, without the body") {
  const TestServer server(some_routes());
  const auto answer = raw_answer(server.unix_endpoint(), request("HEAD", "/status", "x"));
  CHECK(status_of(answer) == 200);
  CHECK(answer.find("Content-Length: 11\r\n") != answer.npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("http server: unknown paths and methods are problems") {
  const TestServer server(some_routes());
  const auto client = server.client();
  const auto missing = client.get(Target{"/nowhere", {}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message() == "there is no /nowhere");
  const auto answer = raw_answer(server.unix_endpoint(), request("DELETE", "/status", "x"));
  CHECK(status_of(answer) == 405);
  CHECK(answer.find("Allow: GET, HEAD\r\n") != answer.npos);
}

TEST_CASE("http server: a handler that throws is a problem of that request only") {
  const TestServer server(some_routes());
  const auto failed = server.client().get(Target{"/fails", {}});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message() == "the lane is gone");
  CHECK(server.client().get(Target{"/status", {}}));
}

TEST_CASE("http server: a connection serves several requests") {
  const TestServer server(some_routes());
  const std::string first = "GET /status HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto answer =
      raw_answer(server.unix_endpoint(), first + first + request("GET", "/status", "x"));
  std::size_t answers = 0;
  for (auto at = answer.find("HTTP/1.1 200"); at != answer.npos;
       at = answer.find("HTTP/1.1 200", at + 1))
    ++answers;
  CHECK(answers == 3);
}

TEST_CASE("http server: malformed requests are refused and the next client is served") {
  const auto [bytes, status] = GENERATE(values<Malformed>({
      {"nonsense\r\n\r\n", 400},
      {"GET /status HTTP/9.9\r\n\r\n", 400},
      {"GET  HTTP/1.1\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\n\r\n", 20), 400},
      {"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400},
      {"GET /status HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413},
      {"GET /status HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400},
      {"GET /status HTTP/1.1\r\nX: " + std::string(20000, 'a') + "\r\n\r\n", 431},
      {"GET /" + std::string(20000, 'a') + " HTTP/1.1\r\n\r\n", 431},
  }));
  const TestServer server(some_routes());
  CAPTURE(bytes.substr(0, 60));
  CHECK(status_of(raw_answer(server.unix_endpoint(), bytes)) == status);
  CHECK(server.client().get(Target{"/status", {}}));
}

TEST_CASE("http server: a client that sends no whole request is dropped after the idle time") {
  const TestServer server(some_routes(), {.idle = 1s});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(raw_answer(server.unix_endpoint(), "GET /sta", 10s).empty());
  CHECK(std::chrono::steady_clock::now() - begin < 8s);
}

TEST_CASE("http server: more connections than the limit are told to come back") {
  const TestServer server(some_routes(), {.sessions = 1});
  const Fd first(connect_to(server.unix_endpoint()));
  CHECK(status_of(raw_answer(server.unix_endpoint(), "")) == 503);
}

TEST_CASE("http server: a socket left by a dead server is taken over, a live one's is not") {
  const TestServer server(some_routes());
  boost::asio::io_context context;
  Server second(context.get_executor(), {});
  const auto taken = second.listen(server.unix_endpoint());
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message() == "cannot listen on " + server.unix_endpoint().text() +
                                       ": another process is listening there");

  const auto stale = *Endpoint::parse(server.unix_endpoint().text() + ".stale");
  {
    boost::asio::io_context other;
    boost::asio::local::stream_protocol::acceptor dead(other, stale.path);
  }
  REQUIRE(std::filesystem::exists(stale.path));
  CHECK(second.listen(stale));
}

TEST_CASE("http server: a file that is no socket is never removed") {
  const TestServer server(some_routes());
  const auto file = server.unix_endpoint().path + ".txt";
  std::ofstream(file) << "mine";
  boost::asio::io_context context;
  Server second(context.get_executor(), {});
  CHECK_FALSE(second.listen(*Endpoint::parse("unix:" + file)));
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("http server: an address that other hosts can reach is refused with the reason") {
  boost::asio::io_context context;
  Server server(context.get_executor(), {});
  const auto refused = server.listen(*Endpoint::parse("0.0.0.0:0"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() ==
        "cannot listen on 0.0.0.0:0: other hosts can reach it, which needs TLS and is not in this "
        "version");
}
