// SPDX-License-Identifier: Apache-2.0
#include "core/endpoint.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock;

TEST_CASE("endpoint: is a Unix socket or a numeric address with a port") {
  const auto text = GENERATE("unix:/run/caprock/agent.sock", "127.0.0.1:8897", "[::1]:8897",
                             "10.0.0.1:443", "0.0.0.0:1", "[fe80::1]:65535");
  const auto endpoint = Endpoint::parse(text);
  REQUIRE(endpoint);
  CHECK(endpoint->text() == text);
}

TEST_CASE("endpoint: whatever else is refused") {
  const auto text =
      GENERATE("", "8897", ":8897", "localhost:8897", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
               "127.0.0.1:-1", "::1:8897", "[127.0.0.1]:80", "unix:", "unix:relative.sock");
  CAPTURE(text);
  CHECK_FALSE(Endpoint::parse(text));
}

TEST_CASE("endpoint: a path that the kernel would cut off is refused") {
  CHECK(Endpoint::parse("unix:/" + std::string(106, 'x')));
  CHECK_FALSE(Endpoint::parse("unix:/" + std::string(107, 'x')));
}

TEST_CASE("endpoint: only loopback and Unix sockets are local") {
  for (const auto* text : {"unix:/a", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1"})
    CHECK(Endpoint::parse(text)->is_local());
  for (const auto* text :
       {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[fe80::1]:1", "[::ffff:1.2.3.4]:1"})
    CHECK_FALSE(Endpoint::parse(text)->is_local());
}
