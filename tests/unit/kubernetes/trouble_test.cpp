// SPDX-License-Identifier: Apache-2.0
// Servers that are away, silent, or not who they should be.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <filesystem>
#include <fstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "follower.hpp"
#include "scripted_server.hpp"

using namespace caprock;
using namespace caprock::test;
using namespace std::chrono_literals;

namespace {

kubernetes::Credentials secure(std::uint16_t port, const std::string& authority) {
  auto credentials = loopback(port);
  credentials.tls = true;
  credentials.ca = authority;
  return credentials;
}

class TokenFile {
 public:
  explicit TokenFile(std::string_view text)
      : path(std::filesystem::temp_directory_path() /
             ("caprock-token-" + std::to_string(::getpid()))) {
    write(text);
  }
  ~TokenFile() { std::filesystem::remove(path); }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;
  /// At once, as the kubelet does it.
  void write(std::string_view text) const {
    const auto whole = path.string() + fmt::format(".{}", ++writes);
    std::ofstream(whole) << text;
    std::filesystem::rename(whole, path);
  }

  const std::filesystem::path path;

 private:
  static inline std::atomic<int> writes = 0;
};

}  // namespace

TEST_CASE("trouble: a server that is away is waited for, then followed") {
  std::optional<ScriptedServer> server(std::in_place, ScriptedServer::Script());
  const auto port = server->port();
  server.reset();
  Follower follower(loopback(port));
  REQUIRE(follower.until_error(
      "pods", "http://127.0.0.1:" + std::to_string(port) + ": no connection: Connection refused"));
  server.emplace(
      ScriptedServer::Script{{"pods", {answers(200, list_of({pod_json("a", "5")}, "7"))}}}, nullptr,
      port);
  REQUIRE(follower.until_told("pod + a"));
  CHECK(follower.status("pods").error == "");
}

TEST_CASE("trouble: a server that starts anew is gone on with, and nothing is told twice") {
  const auto list = answers(200, list_of({pod_json("a", "5")}, "7"));
  std::optional<ScriptedServer> server(std::in_place,
                                       ScriptedServer::Script{{"pods", {list, watches({})}}});
  const auto port = server->port();
  Follower follower(loopback(port));
  REQUIRE(follower.until([&] { return server->asked("pods").size() == 2; }));
  server.reset();
  REQUIRE(follower.until_error("pods", "no connection"));
  CHECK(follower.watch->pods().size() == 1);  // what is known stays
  server.emplace(ScriptedServer::Script{{"pods",
                                         {watches({event_of("ADDED", pod_json("a", "5")),
                                                   event_of("ADDED", pod_json("b", "9"))})}}},
                 nullptr, port);
  REQUIRE(follower.until_told("pod + b"));
  CHECK(server->asked("pods")[0].has("resourceVersion=7"));
  CHECK(std::count(follower.recorder.told.begin(), follower.recorder.told.end(), "pod + a") == 1);
}

TEST_CASE("trouble: an answer that does not come, or stops, is given up") {
  auto times = quick_times();
  times.answer = 100ms;
  const Step silent = [](Wire& wire, const Asked&) { wire.wait_for_end(); };
  const Step stops = [](Wire& wire, const Asked&) {
    wire.begin_chunks();
    wire.chunk("{");
    wire.wait_for_end();
  };
  const ScriptedServer server({{"pods", {silent, stops}}});
  Follower follower(loopback(server.port()), times);
  REQUIRE(follower.until_error("pods", "no answer: nothing within 100ms"));
  REQUIRE(follower.until_error("pods", "the answer broke off: nothing within 100ms"));
  REQUIRE(follower.until([&] { return follower.status("pods").synced; }));
}

TEST_CASE(
    "trouble: waiting long for a server that does not answer is not taken for its being well") {
  auto times = quick_times();
  times.answer = 100ms;
  times.settled = 50ms;
  times.retry_most = 10s;
  const Step silent = [](Wire& wire, const Asked&) { wire.wait_for_end(); };
  const ScriptedServer server({{"pods", std::vector<Step>(100, silent)}});
  Follower follower(loopback(server.port()), times);
  follower.run_for(1500ms);
  CHECK(server.asked("pods").size() >= 2);
  CHECK(server.asked("pods").size() <= 8);  // 13 without pauses that grow
}

TEST_CASE("trouble: a watch that says nothing for longer than it may last is dead") {
  auto times = quick_times();
  times.watch_margin = 100ms;
  const ScriptedServer server({});
  Follower follower(loopback(server.port()), times);
  REQUIRE(follower.until_error("pods", "the answer broke off: nothing within"));
  REQUIRE(follower.until([&] { return server.asked("pods").size() >= 3; }));
  CHECK(server.asked("pods")[2].watch());
}

TEST_CASE("trouble: watches that end at once are not asked for in a hurry") {
  const Step ends = [](Wire& wire, const Asked&) {
    wire.begin_chunks();
    wire.end_chunks();
  };
  const ScriptedServer server(
      {{"pods", std::vector<Step>{answers(200, list_of({}, "7")), ends, ends, ends, ends, ends}}});
  auto times = quick_times();
  times.retry_least = 200ms;
  times.retry_most = 200ms;
  Follower follower(loopback(server.port()), times);
  REQUIRE(follower.until_error("pods", "ended a watch at once"));
  follower.run_for(300ms);
  CHECK(server.asked("pods").size() <= 5);
}

TEST_CASE("trouble: a token that was rotated is read again once it is refused") {
  const TokenFile file("first\n");
  const Step refuses = [&](Wire& wire, const Asked&) {
    file.write("second\n");
    wire.answer(401, status_of(401, "Unauthorized", "Unauthorized"));
  };
  const ScriptedServer server(
      {{"pods", {refuses, answers(200, list_of({pod_json("a", "5")}, "7"))}}});
  auto credentials = loopback(server.port());
  credentials.token_file = file.path;
  Follower follower(credentials);
  REQUIRE(follower.until_told("pod + a"));
  CHECK(server.asked("pods")[0].headers.at("authorization") == "Bearer first");
  CHECK(server.asked("pods")[1].headers.at("authorization") == "Bearer second");
}

TEST_CASE("trouble: two resources whose token is refused at once both go on with the new one") {
  const TokenFile file("first\n");
  std::barrier both(2);
  const Step refuses = [&](Wire& wire, const Asked&) {
    both.arrive_and_wait();  // both have sent it
    file.write("second\n");
    wire.answer(401, status_of(401, "Unauthorized", "Unauthorized"));
  };
  const ScriptedServer server(
      {{"pods", {refuses, answers(200, list_of({pod_json("a", "5")}, "7"))}},
       {"namespaces", {refuses, answers(200, list_of({namespace_json("shop", "5")}, "7"))}}});
  auto credentials = loopback(server.port());
  credentials.token_file = file.path;
  auto times = quick_times();
  times.retry_least = times.retry_most = 1h;
  Follower follower(credentials, times);
  REQUIRE(follower.until_told("pod + a"));
  REQUIRE(follower.until_told("namespace + shop"));
  for (const auto* resource : {"pods", "namespaces"}) {
    CHECK(server.asked(resource)[1].headers.at("authorization") == "Bearer second");
    CHECK(follower.status(resource).error.empty());
  }
}

TEST_CASE("trouble: a token that stays refused is told") {
  const auto refusal = answers(401, status_of(401, "Unauthorized", "Unauthorized"));
  const ScriptedServer server({{"pods", {refusal, refusal}}});
  auto credentials = loopback(server.port());
  credentials.token = "expired";
  Follower follower(credentials);
  REQUIRE(follower.until_error(
      "pods", "the token or certificate is refused (Unauthorized); is it expired?"));
}

TEST_CASE("trouble: over TLS the server is believed by its authority and for its address") {
  const auto identity = make_identity("IP:127.0.0.1");
  const ScriptedServer server({{"pods", {answers(200, list_of({pod_json("a", "5")}, "7"))}}},
                              &identity);
  Follower follower(secure(server.port(), identity.authority));
  REQUIRE(follower.until_told("pod + a"));
}

TEST_CASE("trouble: a server of another authority is not talked to") {
  const auto identity = make_identity("IP:127.0.0.1");
  const ScriptedServer server({}, &identity);
  Follower follower(secure(server.port(), make_identity("IP:127.0.0.1").authority));
  REQUIRE(follower.until_error("pods", "is the certificate authority this cluster's?"));
  CHECK(server.asked("pods").empty());
}

TEST_CASE("trouble: a certificate that is too old or too new makes one look at the clock") {
  const int hours = GENERATE(-2, 2);
  const auto identity = make_identity("IP:127.0.0.1", hours);
  const ScriptedServer server({}, &identity);
  Follower follower(secure(server.port(), identity.authority));
  REQUIRE(follower.until_error("pods", hours < 0 ? "(certificate has expired); is the clock"
                                                 : "(certificate is not yet valid); is the clock"));
  CHECK(server.asked("pods").empty());
}

TEST_CASE("trouble: a certificate for another name is refused, unless that name is expected") {
  const auto identity = make_identity("DNS:api.test");
  const ScriptedServer server({{"pods", {answers(200, list_of({pod_json("a", "5")}, "7"))}}},
                              &identity);
  auto credentials = secure(server.port(), identity.authority);
  {
    Follower follower(credentials);
    REQUIRE(follower.until_error("pods", "its certificate is not for 127.0.0.1"));
    CHECK(server.asked("pods").empty());
  }
  credentials.server_name = "api.test";
  Follower follower(credentials);
  REQUIRE(follower.until_told("pod + a"));
}

TEST_CASE("trouble: a server that cannot be believed is talked to where that is wanted") {
  const auto identity = make_identity("DNS:api.test");
  const ScriptedServer server({{"pods", {answers(200, list_of({pod_json("a", "5")}, "7"))}}},
                              &identity);
  auto credentials = secure(server.port(), "");
  credentials.insecure = true;
  Follower follower(credentials);
  REQUIRE(follower.until_told("pod + a"));
}

TEST_CASE("trouble: a client certificate says who asks") {
  auto identity = make_identity("IP:127.0.0.1");
  identity.ask_client = true;
  const ScriptedServer server({{"pods", {answers(200, list_of({pod_json("a", "5")}, "7"))}}},
                              &identity);
  auto credentials = secure(server.port(), identity.authority);
  credentials.client_certificate = identity.certificate;
  credentials.client_key = identity.key;
  Follower follower(credentials);
  REQUIRE(follower.until_told("pod + a"));
}

TEST_CASE("trouble: certificates and keys that are none are refused, with the server's address") {
  const auto server = kubernetes::ApiServer::create(secure(1, "no certificate"));
  REQUIRE_FALSE(server);
  CHECK(server.error().message().starts_with(
      "https://127.0.0.1:1: the certificate authority cannot be used"));
}
