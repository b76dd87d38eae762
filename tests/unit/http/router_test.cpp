// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace caprock::http;

namespace {

const std::vector<Route> kRoutes = {
    {"GET", "/status", Access::kPublic, nullptr},
    {"GET", "/capture", Access::kFull, nullptr},
    {"PATCH", "/capture", Access::kFull, nullptr},
};

unsigned refusal(Access granted, std::string_view method, std::string_view path) {
  const auto found = find_route(kRoutes, granted, method, path);
  const auto* problem = std::get_if<Response>(&found);
  return problem ? problem->status : 0;
}

}  // namespace

TEST_CASE("http router: a route is found by method and whole path") {
  const auto found = find_route(kRoutes, Access::kFull, "PATCH", "/capture");
  REQUIRE(std::holds_alternative<const Route*>(found));
  CHECK(std::get<const Route*>(found) == &kRoutes[2]);
  CHECK(refusal(Access::kFull, "GET", "/capture/") == 404);
  CHECK(refusal(Access::kFull, "GET", "/") == 404);
}

TEST_CASE("http router: HEAD goes where GET goes") {
  CHECK(refusal(Access::kPublic, "HEAD", "/status") == 0);
}

TEST_CASE("http router: public access does not reach the traffic") {
  CHECK(refusal(Access::kPublic, "GET", "/status") == 0);
  CHECK(refusal(Access::kPublic, "GET", "/capture") == 403);
  CHECK(refusal(Access::kPublic, "DELETE", "/capture") == 403);
}

TEST_CASE("http router: a method that the path does not take is told which it takes") {
  const auto found = find_route(kRoutes, Access::kFull, "DELETE", "/capture");
  const auto& problem = std::get<Response>(found);
  CHECK(problem.status == 405);
  REQUIRE(problem.headers.size() == 1);
  CHECK(problem.headers[0] == std::pair<std::string, std::string>("Allow", "GET, HEAD, PATCH"));
}

TEST_CASE("http router: only this host's own names with the listener's port are local") {
  CHECK(is_local_host("localhost:8897", 8897));
  CHECK(is_local_host("127.0.0.1:8897", 8897));
  CHECK(is_local_host("[::1]:8897", 8897));
  CHECK(is_local_host("localhost", 80));
  for (const auto* host : {"", "localhost", "localhost:80", "evil.example:8897",
                           "127.0.0.1.evil:8897", "localhost:8897 ", "localhost:08897"}) {
    CAPTURE(host);
    CHECK_FALSE(is_local_host(host, 8897));
  }
}
