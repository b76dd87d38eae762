// SPDX-License-Identifier: Apache-2.0
#include "http/target.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock::http;

TEST_CASE("http target: path and parameters are decoded") {
  const auto target = parse_target("/api/v1/export?from=-5m&filter=tcp+port%2080&empty&x=%C3%A4");
  REQUIRE(target);
  CHECK(target->path == "/api/v1/export");
  CHECK(target->query.at("from") == "-5m");
  CHECK(target->query.at("filter") == "tcp port 80");
  CHECK(target->query.at("empty").empty());
  CHECK(target->query.at("x") == "ä");
}

TEST_CASE("http target: empty parameters are passed over") {
  CHECK(parse_target("/a?")->query.empty());
  CHECK(parse_target("/a?&&")->query.empty());
  CHECK(parse_target("/a?b=1&")->query.size() == 1);
}

TEST_CASE("http target: broken escapes, a hidden NUL and what is no path are refused") {
  const auto text = GENERATE("", "a", "http://host/", "*", "/%", "/%4", "/%zz", "/%00", "/a?b=%",
                             "/a?%g0=1", "/%-1", "/%+1");
  CAPTURE(text);
  CHECK_FALSE(parse_target(text));
}

TEST_CASE("http target: what is formatted is parsed as the same") {
  const Target target{"/api/v1/export", {{"filter", "host ::1 && port 80%+ä"}, {"from", "-5m"}}};
  const auto parsed = parse_target(format_target(target));
  REQUIRE(parsed);
  CHECK(parsed->path == target.path);
  CHECK(parsed->query == target.query);
}
