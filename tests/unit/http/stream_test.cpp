// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <algorithm>
#include <atomic>

#include <catch2/catch_test_macros.hpp>

#include "core/fd.hpp"
#include "core/log.hpp"
#include "test_server.hpp"

using namespace caprock;
using namespace caprock::http;
using namespace caprock::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPieceBytes = 64 << 10;

Bytes piece() {
  static const std::vector<std::byte> bytes(kPieceBytes, std::byte{7});
  return bytes;
}

Route stream_route(std::string_view path, StreamBody body) {
  Response response;
  response.content_type = "application/octet-stream";
  response.stream = std::move(body);
  return get_route(path, Access::kFull, std::move(response));
}

StreamBody pieces(std::size_t count) {
  return [count](StreamWriter& writer) -> Status {
    for (std::size_t i = 0; i < count; ++i)
      if (!writer.write(piece())) return Error("the client has gone");
    return {};
  };
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500 && !condition(); ++i)
    std::this_thread::sleep_for(10ms);
  return condition();
}

}  // namespace

TEST_CASE("http stream: a long body arrives whole") {
  const TestServer server({stream_route("/export", pieces(400))});
  std::size_t received = 0;
  bool right = true;
  const Status done = server.client().get(Target{"/export", {}}, [&](Bytes bytes) -> Status {
    received += bytes.size();
    for (const auto byte : bytes)
      right = right && byte == std::byte{7};
    return {};
  });
  CHECK(done);
  CHECK(received == 400 * kPieceBytes);
  CHECK(right);
}

TEST_CASE("http stream: a body of nothing is whole too") {
  const TestServer server({stream_route("/export", pieces(0))});
  const auto body = server.client().get(Target{"/export", {}});
  REQUIRE(body);
  CHECK(body->empty());
}

TEST_CASE("http stream: what was written arrives at once, however little it is") {
  std::atomic<bool> arrived = false;
  const TestServer server({stream_route("/tail", [&](StreamWriter& writer) -> Status {
    writer.write(piece().first(8));
    if (!eventually([&] { return arrived.load(); })) return Error("it never arrived");
    return {};
  })});
  const Status done = server.client().get(Target{"/tail", {}}, [&](Bytes bytes) -> Status {
    if (!bytes.empty()) arrived = true;
    return {};
  });
  CHECK(done);
}

TEST_CASE("http stream: an error before the first byte is a problem with its reason") {
  const TestServer server({stream_route("/export", [](StreamWriter&) -> Status {
    return Error("the ring holds nothing of that time");
  })});
  const auto body = server.client().get(Target{"/export", {}});
  REQUIRE_FALSE(body);
  CHECK(body.error().message() == "the ring holds nothing of that time");
}

TEST_CASE(
    "http stream: what its check finds wrong is the client's error, and nothing is streamed") {
  std::atomic<bool> started = false;
  Response response;
  response.check = [] { return Status(Error("syntax error in filter")); };
  response.stream = [&](StreamWriter&) -> Status {
    started = true;
    return {};
  };
  const TestServer server({get_route("/export", Access::kFull, std::move(response))});
  const auto answer = raw_answer(server.unix_endpoint(),
                                 "GET /export HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 400"));
  CHECK(answer.find("syntax error in filter") != answer.npos);
  CHECK_FALSE(started);
}

TEST_CASE("http stream: one that fails half-way is not taken for whole") {
  const TestServer server({stream_route("/export", [](StreamWriter& writer) -> Status {
    writer.write(piece());
    return Error("segment 7 was recycled");
  })});
  const auto body = server.client().get(Target{"/export", {}});
  REQUIRE_FALSE(body);
  CHECK(body.error().message().find("broke off") != std::string::npos);
}

TEST_CASE("http stream: a client that does not read holds the writer up, and nobody else") {
  std::atomic<std::size_t> written = 0;
  const TestServer server({stream_route("/tail",
                                        [&](StreamWriter& writer) -> Status {
                                          while (writer.write(piece()))
                                            ++written;
                                          return {};
                                        }),
                           get_route("/status", Access::kFull, {.body = "{}", .stream = {}})});
  Fd lazy(connect_to(server.unix_endpoint()));
  const std::string request = "GET /tail HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(::send(lazy.get(), request.data(), request.size(), 0) > 0);
  std::size_t before = 0;
  REQUIRE(eventually([&] {
    const auto now = written.load();
    const bool still = now == before && now > 0;
    before = now;
    std::this_thread::sleep_for(50ms);
    return still;
  }));
  CHECK(written * kPieceBytes < (64u << 20));
  CHECK(server.client().get(Target{"/status", {}}));
}

TEST_CASE("http stream: a writer with nothing to write learns that its client has gone") {
  std::atomic<bool> ended = false;
  const TestServer server({stream_route("/tail", [&](StreamWriter& writer) -> Status {
    writer.write(piece());
    while (writer.open())
      std::this_thread::sleep_for(10ms);
    ended = true;
    return {};
  })});
  {
    const Fd client(connect_to(server.unix_endpoint()));
    const std::string request = "GET /tail HTTP/1.1\r\nHost: x\r\n\r\n";
    REQUIRE(::send(client.get(), request.data(), request.size(), 0) > 0);
    char byte = 0;
    REQUIRE(::recv(client.get(), &byte, 1, 0) == 1);
    CHECK_FALSE(ended);
  }
  CHECK(eventually([&] { return ended.load(); }));
}

TEST_CASE("http stream: that a client goes is no error, that a stream fails is one") {
  std::atomic<int> ended = 0;
  const TestServer server({stream_route("/export",
                                        [&](StreamWriter& writer) -> Status {
                                          while (writer.write(piece())) {
                                          }
                                          ++ended;
                                          return Error("nobody takes it");
                                        }),
                           stream_route("/broken", [](StreamWriter& writer) -> Status {
                             writer.write(piece());
                             return Error("segment 8 was recycled");
                           })});
  const auto reported = [](std::string_view what) {
    return std::ranges::any_of(reported_errors(), [&](const DistinctError& error) {
      return error.message.find(what) != error.message.npos;
    });
  };
  const Status done = server.client().get(
      Target{"/export", {}}, [](Bytes) -> Status { return Error("I have seen enough"); });
  CHECK_FALSE(done);
  CHECK(eventually([&] { return ended == 1; }));
  // The answer to the next request comes behind what there is to say about the last one.
  CHECK_FALSE(server.client().get(Target{"/broken", {}}));
  CHECK(eventually([&] { return reported("segment 8 was recycled"); }));
  CHECK_FALSE(reported("nobody takes it"));
}

TEST_CASE(
    "http stream: asked to end, one without an end of its own is whole, and no other begins") {
  std::atomic<bool> begun = false;
  TestServer server({stream_route("/tail", [&](StreamWriter& writer) -> Status {
    writer.write(piece());
    begun = true;
    while (writer.open())
      std::this_thread::sleep_for(1ms);
    return writer.write(piece()) ? Status() : Status(Error("the rest could not be written"));
  })});
  std::size_t received = 0;
  Status done = Error("not yet");
  std::jthread client([&] {
    done = server.client().get(Target{"/tail", {}}, [&](Bytes bytes) -> Status {
      received += bytes.size();
      return {};
    });
  });
  CHECK(eventually([&] { return begun.load(); }));
  server.end_streams();
  CHECK_FALSE(server.client().get(Target{"/tail", {}}));
  server.stop();
  client.join();
  CHECK(done);
  CHECK(received == 2 * kPieceBytes);
}

TEST_CASE("http stream: stopping the server ends its streams") {
  std::atomic<bool> ended = false;
  {
    TestServer server({stream_route("/tail", [&](StreamWriter& writer) -> Status {
      writer.write(piece());
      while (writer.open())
        std::this_thread::sleep_for(1ms);
      ended = true;
      return {};
    })});
    const Fd client(connect_to(server.unix_endpoint()));
    const std::string request = "GET /tail HTTP/1.1\r\nHost: x\r\n\r\n";
    REQUIRE(::send(client.get(), request.data(), request.size(), 0) > 0);
    char byte = 0;
    REQUIRE(::recv(client.get(), &byte, 1, 0) == 1);
  }
  CHECK(ended);
}

TEST_CASE("http stream: more streams than threads are told to come back") {
  std::atomic<bool> release = false;
  const TestServer server({stream_route("/tail",
                                        [&](StreamWriter& writer) -> Status {
                                          writer.write(piece());
                                          while (!release && writer.open())
                                            std::this_thread::sleep_for(1ms);
                                          return {};
                                        })},
                          {.streams = 1});
  const Fd client(connect_to(server.unix_endpoint()));
  const std::string request = "GET /tail HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(::send(client.get(), request.data(), request.size(), 0) > 0);
  char byte = 0;
  REQUIRE(::recv(client.get(), &byte, 1, 0) == 1);
  const auto refused = server.client().get(Target{"/tail", {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() == "too many exports and tails, try again later");
  release = true;
}

TEST_CASE("http stream: HEAD does not start the stream") {
  std::atomic<bool> started = false;
  const TestServer server({stream_route("/export", [&](StreamWriter&) -> Status {
    started = true;
    return {};
  })});
  const auto answer = raw_answer(server.unix_endpoint(),
                                 "HEAD /export HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK_FALSE(started);
}

TEST_CASE(
    "http stream: an old client without chunks gets the body until the end of the connection") {
  const TestServer server({stream_route("/export", pieces(2))});
  const auto answer = raw_answer(server.unix_endpoint(), "GET /export HTTP/1.0\r\n\r\n");
  const auto body = answer.find("\r\n\r\n");
  REQUIRE(body != answer.npos);
  CHECK(answer.size() - body - 4 == 2 * kPieceBytes);
}
