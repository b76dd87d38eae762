// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/connection.hpp"

#include <zlib.h>

#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "follower.hpp"
#include "kubernetes/single_request.hpp"
#include "scripted_server.hpp"

using namespace caprock;
using namespace caprock::kubernetes;
using namespace caprock::test;

namespace {

std::string gzip(const std::string& plain) {
  z_stream stream{};
  constexpr int kGzip = 16;
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, kGzip + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// Long, and not to be made much shorter.
std::string noise(std::size_t size) {
  std::minstd_rand random(1);
  std::string text(size, '\0');
  for (char& letter : text)
    letter = static_cast<char>('a' + random() % 26);
  return text;
}

Step answers_gzip(std::string packed, std::size_t piece) {
  return [=](Wire& wire, const Asked&) {
    wire.begin_chunks("Content-Encoding: gzip\r\n");
    for (std::size_t at = 0; at < packed.size(); at += piece)
      wire.chunk(packed.substr(at, piece));
    wire.end_chunks();
  };
}

Result<Answer> ask(const Credentials& credentials, Request request) {
  auto api = ApiServer::create(credentials, quick_times());
  REQUIRE(api);
  boost::asio::io_context context{1};
  Result<Answer> answer = Error("nothing came of it");
  const auto run = [&]() -> boost::asio::awaitable<void> {
    answer = co_await single_request(*api, std::move(request));
  };
  boost::asio::co_spawn(context, run(), boost::asio::detached);
  context.run();
  return answer;
}

Result<Answer> get(const ScriptedServer& server) {
  return ask(loopback(server.port()), {.target = "/things", .body = {}});
}

}  // namespace

TEST_CASE("connection: gzip is undone, in whatever pieces it comes") {
  const auto text = noise(300'000);
  const std::string even(1 << 20, 'x');  // many output buffers of one input
  const ScriptedServer server({{"things",
                                {answers_gzip(gzip(text), 1000), answers_gzip(gzip(text), 70'000),
                                 answers_gzip(gzip(even), 70'000), answers_gzip(gzip(""), 1)}}});
  CHECK(get(server)->body == text);
  CHECK(get(server)->body == text);
  CHECK(get(server)->body == even);
  CHECK(get(server)->body.empty());
}

TEST_CASE("connection: gzip that is cut off or broken is told") {
  auto packed = gzip(noise(10'000));
  const ScriptedServer server(
      {{"things",
        {answers_gzip(packed.substr(0, packed.size() - 100), 1000), answers_gzip("noise", 1000),
         answers_gzip(packed + "more", 70'000)}}});
  CHECK(get(server).error().message().ends_with("the answer is cut off"));
  CHECK(get(server).error().message().find("the gzip stream is broken") != std::string::npos);
  CHECK(get(server).error().message().ends_with("there is something behind the gzip stream"));
}

TEST_CASE("connection: a single request has a method, a body and the token, and any status") {
  const ScriptedServer server({{"tokenreviews", {answers(201, "{\"a\":1}")}}});
  auto credentials = loopback(server.port());
  credentials.token = "secret";
  credentials.path = "/prefix";
  const auto told = ask(credentials, {.method = boost::beast::http::verb::post,
                                      .target = "/apis/authentication.k8s.io/v1/tokenreviews",
                                      .body = "{}"});
  REQUIRE(told);
  CHECK(told->status == 201);
  CHECK(told->body == "{\"a\":1}");
  const auto asked = server.asked("tokenreviews").at(0);
  CHECK(asked.method == "POST");
  CHECK(asked.target == "/prefix/apis/authentication.k8s.io/v1/tokenreviews");
  CHECK(asked.body == "{}");
  CHECK(asked.headers.at("authorization") == "Bearer secret");
  CHECK(asked.headers.at("content-type") == "application/json");
}

TEST_CASE("connection: an answer that is no HTTP is told") {
  const ScriptedServer server(
      {{"things", {[](Wire& wire, const Asked&) { wire.send("SSH-2.0-OpenSSH\r\n\r\n"); }}}});
  CHECK(get(server).error().message().find(": no answer: ") != std::string::npos);
}
