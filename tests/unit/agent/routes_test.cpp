// SPDX-License-Identifier: Apache-2.0
#include "agent/routes.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace caprock;

namespace {

/// Streams are not run here: nothing asks it for anything.
class UnreadRing final : public store::Ring {
 public:
  store::LaneWriter& lane(unsigned) override { throw std::logic_error("it has no lanes"); }
  const store::RecoveryReport& recovery() const override { return report_; }
  store::RingStatus status() const override { return {}; }
  bool pin(std::uint64_t) override { return false; }
  void unpin(std::uint64_t) override {}
  bool pin_broken(std::uint64_t) const override { return false; }
  Status close() override { return {}; }

 private:
  store::RecoveryReport report_;
};

/// An agent whose filter takes all but one assignment.
agent::ControlRoutes control(std::vector<std::string>& changes) {
  return {.status = [] { return api::AgentStatus(); },
          .targets = [] { return api::TargetsReport(); },
          .capture =
              [] {
                api::CaptureDocument document;
                document.regex = "^front";
                return document;
              },
          .change_capture = [&changes](const std::vector<std::string>& assignments) -> Status {
            if (assignments == std::vector<std::string>{"tap.regex=\"(\""})
              return Error("tap.regex: missing )");
            changes = assignments;
            return {};
          }};
}

std::vector<std::string> changes;

/// What a handler says before any stream is begun.
http::Response answer(const http::Request& request) {
  const UnreadRing ring;
  agent::Top top;
  const auto table = agent::routes(ring, top, control(changes));
  const auto route = std::ranges::find_if(table, [&](const http::Route& candidate) {
    return candidate.path == request.path && candidate.method == request.method;
  });
  REQUIRE(route != table.end());
  boost::asio::io_context context;
  auto response = boost::asio::co_spawn(context, route->handler(request), boost::asio::use_future);
  context.run();
  return response.get();
}

http::Response answer(const std::string& path, std::map<std::string, std::string> query) {
  return answer(http::Request{"GET", path, std::move(query)});
}

}  // namespace

TEST_CASE("routes: a parameter that export or tail does not know is refused by name") {
  for (const std::string path : {"/api/v1/export", "/api/v1/tail"}) {
    CAPTURE(path);
    CHECK(answer(path, {{"from", "-1m"}, {"filter", "tcp"}, {"events", "false"}}).status == 200);
    const http::Response refused = answer(path, {{"form", "-1m"}});
    CHECK(refused.status == 400);
    CHECK(refused.body.find("form") != std::string::npos);
    CHECK(refused.body.find("from, ") != std::string::npos);
    CHECK_FALSE(refused.stream);
  }
  CHECK(answer("/api/v1/export", {{"to", "now"}, {"format", "pcap"}}).status == 200);
  CHECK(answer("/api/v1/tail", {{"to", "now"}}).status == 400);
}

TEST_CASE("routes: what is neither true nor false is refused, and so is a filter of events alone") {
  for (const char* name : {"packets", "events", "names", "process"}) {
    CAPTURE(name);
    CHECK(answer("/api/v1/export", {{name, "true"}}).status == 200);
    CHECK(answer("/api/v1/export", {{name, "1"}}).status == 400);
  }
  CHECK(answer("/api/v1/tail", {{"events", "no"}}).status == 400);
  CHECK(answer("/api/v1/export", {{"format", "json"}, {"filter", "tcp"}}).status == 400);
  CHECK(answer("/api/v1/export", {{"packets", "false"}, {"filter", "tcp"}}).status == 400);
  CHECK(answer("/api/v1/tail", {{"format", "json"}, {"filter", "tcp"}}).status == 400);
}

TEST_CASE("routes: what top is asked for is checked, and what would be right is told") {
  const std::string path = "/api/v1/top";
  CHECK(answer(path, {}).status == 200);
  CHECK(answer(path, {{"window", "500ms"}, {"by", "flow"}, {"sort", "drops"}, {"limit", "5"}})
            .status == 200);
  const std::map<std::string, std::pair<std::string, std::string>> wrong = {
      {"window", {"1h", "use 100ms to 1m"}}, {"by", {"pod", "use process, flow, container"}},
      {"sort", {"name", "use bytes, "}},     {"limit", {"0", "use 1 to 10000"}},
      {"interval", {"2s", "use window, "}},
  };
  for (const auto& [name, told] : wrong) {
    CAPTURE(name);
    const http::Response refused = answer(path, {{name, told.first}});
    CHECK(refused.status == 400);
    CHECK(refused.body.find(name) != std::string::npos);
    CHECK(refused.body.find(told.second) != std::string::npos);
  }
}

TEST_CASE("routes: a filter is checked before export or tail begin to stream") {
  for (const std::string path : {"/api/v1/export", "/api/v1/tail"}) {
    CAPTURE(path);
    const http::Response wrong = answer(path, {{"filter", "tcp prot 80"}});
    REQUIRE(wrong.check);
    const Status checked = wrong.check();
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message().find("tcp prot 80") != std::string::npos);
    CHECK(answer(path, {{"filter", "tcp port 80"}}).check());
    CHECK(answer(path, {}).check());
  }
}

TEST_CASE("routes: what is to be recorded is shown, and changed by a merge patch") {
  const std::string path = "/api/v1/capture";
  CHECK(answer(path, {}).body.find("^front") != std::string::npos);
  changes.clear();
  CHECK(answer({"PATCH", path, {}, R"({"namespaces": ["shop"]})"}).status == 200);
  CHECK(changes == std::vector<std::string>{R"(tap.namespaces=["shop"])"});
  const http::Response refused = answer({"PATCH", path, {}, R"({"regex": "("})"});
  CHECK(refused.status == 400);
  CHECK(refused.body.find("missing )") != std::string::npos);
  CHECK(answer({"PATCH", path, {}, R"({"nonsense": 1})"}).status == 400);
}
