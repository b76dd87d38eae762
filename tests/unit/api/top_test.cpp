// SPDX-License-Identifier: Apache-2.0
#include "api/top.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

using namespace caprock;
using namespace caprock::api;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

TopReport example() {
  TopReport report;
  report.from = {1'763'805'598'000'000'000};
  report.to = {1'763'805'600'000'000'000};
  report.window = std::chrono::seconds(2);
  report.by = kByFlow;
  report.sort = "bytes";
  report.os_enabled = true;
  report.notes = {"segments reused"};
  report.flows = 40;
  report.rows_in_all = 40;
  report.total.bytes = 8'000'000;
  report.total.packets_per_second = 12'345;
  report.total.drops = 3;
  TopRow row;
  row.protocol = "TCP";
  row.local = "10.0.0.1:40112";
  row.remote = "10.0.0.2:80";
  row.interface = "eth0";
  row.pid = 1234;
  row.comm = "curl";
  row.container = "0123456789abcdef0123456789abcdef";
  row.remote_pid = 88;
  row.remote_comm = "nginx";
  row.sent_bytes = 2048;
  row.received_bytes = 4'194'304;
  row.bytes = 4'196'352;
  row.packets = 300;
  row.packets_per_second = 150;
  row.bytes_per_second = 2'098'176;
  row.retransmissions = 17;
  report.rows = {row};
  return report;
}

/// Paths of the document's values: "rows[].bytes".
void collect_paths(const json& value, const std::string& path, std::set<std::string>& paths) {
  if (value.is_object()) {
    for (const auto& [name, below] : value.items())
      collect_paths(below, path.empty() ? name : path + "." + name, paths);
  } else if (value.is_array() && value.at(0).is_object()) {
    collect_paths(value[0], path + "[]", paths);
  } else {
    paths.insert(path);
  }
}

}  // namespace

TEST_CASE("top: what is written as JSON is one line, and read back whole") {
  const std::string text = to_json_text(example());
  CHECK(text.find('\n') == text.size() - 1);
  const auto parsed = parse_top(text);
  REQUIRE(parsed);
  CHECK(to_json_text(*parsed) == text);
  CHECK(parsed->rows.at(0).received_bytes == 4'194'304);
  CHECK(parsed->window == std::chrono::seconds(2));
  CHECK_FALSE(parse_top("[]"));
}

TEST_CASE("top: docs/top.md explains every field") {
  std::ostringstream page;
  page << std::ifstream(CAPROCK_DOCS_DIR "/top.md").rdbuf();
  std::set<std::string> paths;
  collect_paths(json::parse(to_json_text(example())), "", paths);
  for (const auto& path : paths) {
    const auto name = path.substr(path.find_last_of('.') + 1);
    CHECK_THAT(page.str(), ContainsSubstring("`" + name + "`"));
  }
}

TEST_CASE("top table: flows with both processes, rates in units as status has them") {
  const auto text = top_table(example());
  CHECK_THAT(text, ContainsSubstring("40 flows in 2s until 2025-11-22T10:00:00Z"));
  CHECK_THAT(text,
             ContainsSubstring("total: 12.3k packets/s, 3.81 MiB/s, 0 retransmissions, 3 drops"));
  CHECK_THAT(text, ContainsSubstring("note: segments reused"));
  CHECK_THAT(text,
             ContainsSubstring("10.0.0.1:40112  10.0.0.2:80  eth0       1 KiB/s  2 MiB/s   150"));
  CHECK_THAT(text, ContainsSubstring("17       0      curl[1234]  nginx[88]"));
  CHECK_THAT(text, !ContainsSubstring("not shown"));
}

TEST_CASE("top table: by process, with the beginning of the container's id") {
  auto report = example();
  report.by = kByProcess;
  report.rows.push_back(TopRow());
  const auto text = top_table(report);
  CHECK_THAT(text, ContainsSubstring("PID   COMMAND      CONTAINER     FLOWS"));
  CHECK_THAT(text, ContainsSubstring("1234  curl         0123456789ab  1"));
  CHECK_THAT(text, ContainsSubstring("-     (not known)  -             1"));
  report.rows[0].pod = "shop/frontend-7c9";
  CHECK_THAT(top_table(report), ContainsSubstring("1234  curl         shop/frontend-7c9  1"));
}

TEST_CASE("top table: by container") {
  auto report = example();
  report.by = kByContainer;
  report.rows[0].pod = "shop/frontend-7c9";
  const auto text = top_table(report);
  CHECK_THAT(text, ContainsSubstring("CONTAINER     POD                FLOWS  SENT"));
  CHECK_THAT(text, ContainsSubstring("0123456789ab  shop/frontend-7c9  1"));
}

TEST_CASE("top table: what is not known is no zero") {
  auto report = example();
  report.os_enabled = false;
  const auto text = top_table(report);
  CHECK_THAT(text, ContainsSubstring("- retransmissions, - drops, - resets"));
  CHECK_THAT(text, ContainsSubstring("150        -        -"));
}

TEST_CASE("top table: what no row shows is told, and nothing is a table without rows") {
  auto report = example();
  report.other.packets = 1;
  report.other.bytes = 1'000;
  CHECK_THAT(top_table(report), ContainsSubstring("not shown: 0 packets/s, 500 B/s"));
  CHECK_THAT(top_table(TopReport()), ContainsSubstring("total: 0 packets/s, 0 B/s"));
}
