// SPDX-License-Identifier: Apache-2.0
#include "http/client.hpp"

#include <filesystem>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "test_server.hpp"

using namespace caprock;
using namespace caprock::http;
using namespace caprock::test;

TEST_CASE("http client: servers are Unix sockets and http URLs") {
  const auto unix = ServerAddress::parse("unix:/run/caprock/agent.sock");
  REQUIRE(unix);
  CHECK(unix->path == "/run/caprock/agent.sock");
  const auto here = ServerAddress::parse("unix:./agent.sock");
  REQUIRE(here);
  CHECK(here->path == std::filesystem::current_path() / "agent.sock");
  const auto tcp = ServerAddress::parse("http://localhost:8897/");
  REQUIRE(tcp);
  CHECK(tcp->host == "localhost");
  CHECK(tcp->port == "8897");
}

TEST_CASE("http client: what is no server is refused with what would be right") {
  const auto text = GENERATE("", "localhost", "localhost:80", "https://a:1", "http://a",
                             "http://:80", "http://a:1/path", "unix:");
  CAPTURE(text);
  CHECK_FALSE(ServerAddress::parse(text));
}

TEST_CASE("http client: an agent that is not there is told with how to look for it") {
  const Client client(*ServerAddress::parse("unix:/nonexistent/agent.sock"));
  const auto body = client.get(Target{"/status", {}});
  REQUIRE_FALSE(body);
  CHECK(body.error().message() ==
        "no agent at unix:/nonexistent/agent.sock: No such file or directory; is it running? "
        "(systemctl status caprock; elsewhere: --server)");
}

TEST_CASE("http client: over TCP it reaches what is public") {
  const TestServer server({get_route("/status", Access::kPublic, {.body = "{}", .stream = {}})});
  const Client client(
      *ServerAddress::parse("http://127.0.0.1:" + std::to_string(server.tcp_endpoint().port)));
  const auto body = client.get(Target{"/status", {}});
  REQUIRE(body);
  CHECK(*body == "{}");
}

TEST_CASE("http client: a sink's error ends the transfer and is what the call returns") {
  const TestServer server(
      {get_route("/big", Access::kFull, {.body = std::string(10 << 20, 'x'), .stream = {}})});
  const Status done =
      server.client().get(Target{"/big", {}}, [](Bytes) -> Status { return Error("disk full"); });
  REQUIRE_FALSE(done);
  CHECK(done.error().message() == "disk full");
}

TEST_CASE("http client: parameters reach the handler as they were") {
  const TestServer server({{"GET", "/echo", Access::kFull,
                            [](const Request& request) -> boost::asio::awaitable<Response> {
                              co_return Response{.body = request.parameter("filter"), .stream = {}};
                            }}});
  const auto body = server.client().get(Target{"/echo", {{"filter", "tcp && host ::1 + 50%"}}});
  REQUIRE(body);
  CHECK(*body == "tcp && host ::1 + 50%");
}

TEST_CASE("http client: a change brings its document to the handler") {
  const TestServer server({{"PATCH", "/capture", Access::kFull,
                            [](const Request& request) -> boost::asio::awaitable<Response> {
                              co_return Response{.body = request.body, .stream = {}};
                            }}});
  const auto body = server.client().patch(Target{"/capture", {}}, R"({"regex":"^front"})");
  REQUIRE(body);
  CHECK(*body == R"({"regex":"^front"})");
  const auto too_long = server.client().patch(Target{"/capture", {}}, std::string(1 << 20, ' '));
  CHECK_FALSE(too_long);
}
