// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <set>
#include <sstream>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "api/status.hpp"
#include "example_status.hpp"

using namespace caprock;
using namespace caprock::api;
using nlohmann::json;

namespace {

/// "ring.segments.free" for every value in the document.
void collect_paths(const json& value, const std::string& path, std::set<std::string>& paths) {
  if (value.is_object()) {
    for (const auto& [name, below] : value.items())
      collect_paths(below, path.empty() ? name : path + "." + name, paths);
  } else if (value.is_array() && !value.empty() && value[0].is_object()) {
    collect_paths(value[0], path + "[]", paths);
  } else {
    paths.insert(path);
  }
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("status: what is written as JSON is read back whole") {
  const std::string text = to_json_text(test::example_status());
  const auto parsed = parse_status(text);
  REQUIRE(parsed);
  CHECK(to_json_text(*parsed) == text);
  CHECK(parsed->ring.newest == test::example_status().ring.newest);
  CHECK(parsed->lanes.at(0).lag == std::chrono::milliseconds(1500));
  CHECK(parsed->interfaces.at(0).egress.written == 2'000'090);
  CHECK(parsed->findings.at(0).severity == Severity::kWarning);
}

TEST_CASE("status: times are RFC 3339 and null where there is none, durations are seconds") {
  const auto document = json::parse(to_json_text(test::example_status()));
  CHECK(document["now"] == "2026-11-22T10:00:00.123456789Z");
  CHECK(document["uptime_seconds"] == 3600.0);
  CHECK(document["lanes"][0]["lag_seconds"] == 1.5);
  CHECK(json::parse(to_json_text(AgentStatus{}))["ring"]["oldest"].is_null());
}

TEST_CASE("status: an agent of another version is understood as far as possible") {
  const auto parsed = parse_status(R"({"version": "9.9", "novelty": [1, 2], "ring": {"laps": 3},
                                       "findings": [{"id": "x", "severity": "grave"}]})");
  REQUIRE(parsed);
  CHECK(parsed->version == "9.9");
  CHECK(parsed->ring.laps == 3);
  CHECK(parsed->lanes.empty());
  CHECK(parsed->findings.at(0).severity == Severity::kNote);
}

TEST_CASE("status: what is no status is refused") {
  for (const auto* text : {"", "{", "[]", "7", R"({"now": "yesterday"})", R"({"pid": "x"})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_status(text));
  }
}

TEST_CASE("status: names from outside that are not UTF-8 do not break the document") {
  AgentStatus status;
  status.node = "caf\xE9";
  CHECK(parse_status(to_json_text(status)));
}

TEST_CASE("status: docs/status.md explains every field") {
  const std::string docs = file_text(CAPROCK_DOCS_DIR "/status.md");
  std::set<std::string> paths;
  collect_paths(json::parse(to_json_text(test::example_status())), "", paths);
  CHECK(paths.size() > 60);
  for (const auto& path : paths) {
    const auto name = path.find(".egress.") == path.npos
                          ? path
                          : std::string(path).replace(path.find("egress"), 6, "ingress");
    CAPTURE(name);
    CHECK(docs.find("`" + name + "`") != docs.npos);
  }
}
