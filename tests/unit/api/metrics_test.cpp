// SPDX-License-Identifier: Apache-2.0
// The rules are those of `promtool check metrics`, as far as they concern one scrape.
#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "api/status.hpp"
#include "example_status.hpp"

using namespace caprock;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// What `pattern` captures first, wherever it matches.
std::set<std::string> captures(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

const std::regex kHelp(R"(# HELP ([a-z_:][a-z0-9_:]*) \S.*\.)");
const std::regex kType(R"(# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge))");
const std::regex kSample(
    R"re(([a-z_:][a-z0-9_:]*)(\{([a-z_]+="([^"\\]|\\[\\"n])*",?)*\})? (-?[0-9.]+(e[+-]?[0-9]+)?))re");

}  // namespace

TEST_CASE("metrics: every line is a help, a type or a sample of the text format") {
  const auto text = api::metrics_text(test::example_status());
  CHECK(text.ends_with('\n'));
  for (const auto& line : lines_of(text)) {
    CAPTURE(line);
    CHECK((std::regex_match(line, kHelp) || std::regex_match(line, kType) ||
           std::regex_match(line, kSample)));
  }
}

TEST_CASE("metrics: each has one help and one type in front of all its samples") {
  std::set<std::string> seen;
  std::string current;
  std::smatch match;
  for (const auto& line : lines_of(api::metrics_text(test::example_status()))) {
    CAPTURE(line);
    if (std::regex_match(line, match, kHelp)) {
      current = match[1];
      CHECK(seen.insert(current).second);
    } else if (std::regex_match(line, match, kType) || std::regex_match(line, match, kSample)) {
      CHECK(match[1] == current);
    }
  }
}

TEST_CASE("metrics: counters end in _total, gauges do not, and all are ours") {
  std::smatch match;
  for (const auto& line : lines_of(api::metrics_text(test::example_status()))) {
    if (!std::regex_match(line, match, kType)) continue;
    const std::string name = match[1];
    CAPTURE(name);
    CHECK(name.starts_with("caprock_"));
    CHECK((match[2] == "counter") == name.ends_with("_total"));
  }
}

TEST_CASE("metrics: no sample is there twice") {
  std::set<std::string> seen;
  for (const auto& line : lines_of(api::metrics_text(test::example_status()))) {
    if (line.starts_with('#')) continue;
    CAPTURE(line);
    CHECK(seen.insert(line.substr(0, line.rfind(' '))).second);
  }
}

TEST_CASE("metrics: counters carry interface and direction, odd names are escaped") {
  const auto text = api::metrics_text(test::example_status());
  CHECK(text.find("caprock_packets_written_total{interface=\"eth0\",id=\"1\",direction=\"out\"} "
                  "2000090\n") != text.npos);
  CHECK(text.find("interface=\"we\\\"ird\\\\na\\nme\"") != text.npos);
}

TEST_CASE("metrics: docs/status.md explains every one, and none that is not there") {
  const auto ours =
      captures(api::metrics_text(test::example_status()), std::regex("# TYPE (\\S+) "));
  CHECK(ours.size() > 30);
  CHECK(ours == captures(file_text(CAPROCK_DOCS_DIR "/status.md"), std::regex("`(caprock_\\w+)`")));
}
