// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/cluster_watch.hpp"

#include <atomic>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "follower.hpp"
#include "scripted_server.hpp"

using namespace caprock;
using namespace caprock::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kResources = {"pods", "services", "namespaces", "nodes", "events"};

}  // namespace

TEST_CASE("cluster watch: what there is, what comes, changes and goes is told in order") {
  const ScriptedServer server(
      {{"pods",
        {answers(200, list_of({pod_json("a", "5")}, "7")),
         watches({event_of("ADDED", pod_json("b", "8")),
                  event_of("MODIFIED", pod_json("b", "9", "10.0.0.1")),
                  event_of("MODIFIED", pod_json("b", "10", "10.0.0.1")),  // no difference to us
                  event_of("DELETED", pod_json("a", "11"))})}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until_told("pod - a"));
  std::erase_if(follower.recorder.told, [](const auto& line) { return line.starts_with("sync"); });
  CHECK(follower.recorder.told ==
        std::vector<std::string>{"pod + a", "pod + b", "pod ~ b", "pod - a"});
  REQUIRE(follower.watch->pods().size() == 1);
  CHECK(follower.watch->pods().at("uid-b").addresses == std::vector<std::string>{"10.0.0.1"});
}

TEST_CASE("cluster watch: ten requests at start, on one connection a resource, of the node alone") {
  const ScriptedServer server({});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until([&] {
    return std::all_of(kResources.begin(), kResources.end(),
                       [&](const char* resource) { return server.asked(resource).size() == 2; });
  }));
  follower.run_for(100ms);
  CHECK(server.connections() == 5);
  std::uint64_t requests = 0;
  for (const auto& status : follower.watch->status()) {
    requests += status.requests;
    CHECK(status.synced);
    CHECK(status.error == "");
    CHECK(status.bytes > 0);
  }
  CHECK(requests == 10);
  CHECK(server.asked("pods")[0].target ==
        "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500&resourceVersion=0");
  CHECK(server.asked("pods")[1].has("fieldSelector=spec.nodeName%3Dn1&watch=1"));
  CHECK(server.asked("nodes")[0].has("fieldSelector=metadata.name%3Dn1"));
  CHECK(server.asked("events")[0].target.starts_with(
      "/api/v1/events?fieldSelector=involvedObject.kind%21%3DDeployment%2CinvolvedObject.kind%21%3D"
      "ReplicaSet%2C"));
  CHECK(server.asked("events")[0].target.ends_with("&limit=1"));
  CHECK(server.asked("events")[1].has("resourceVersion=100"));
  CHECK(server.asked("pods")[0].headers.at("accept-encoding") == "gzip");
  CHECK(server.asked("pods")[0].headers.at("user-agent").starts_with("caprock/"));
}

TEST_CASE("cluster watch: a watch that the server ends is gone on with from the last bookmark") {
  const ScriptedServer server(
      {{"pods",
        {answers(200, list_of({}, "7")), watches_and_ends({bookmark("41")}), watches({})}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until([&] { return server.asked("pods").size() == 3; }));
  CHECK(server.asked("pods")[1].has("resourceVersion=7"));
  CHECK(server.asked("pods")[2].watch());
  CHECK(server.asked("pods")[2].has("resourceVersion=41"));
  CHECK(follower.status("pods").error == "");
}

TEST_CASE("cluster watch: 410 Gone makes a new list, and what is missing in it is told as gone") {
  const auto gone = status_of(410, "Expired", "too old resource version");
  const Step in_answer = answers(410, gone);
  const Step in_event = watches({event_of("ERROR", gone)});
  for (const auto& form : {in_answer, in_event}) {
    const ScriptedServer server(
        {{"pods",
          {answers(200, list_of({pod_json("a", "5"), pod_json("b", "6")}, "7")), form,
           answers(200, list_of({pod_json("c", "90"), pod_json("b", "91", "10.0.0.1")}, "99")),
           watches({event_of("ADDED", pod_json("d", "100"))})}}});
    Follower follower(loopback(server.port()));
    REQUIRE(follower.until_told("pod + d"));
    std::erase_if(follower.recorder.told,
                  [](const auto& line) { return line.starts_with("sync"); });
    CHECK(follower.recorder.told == std::vector<std::string>{"pod + a", "pod + b", "pod - a",
                                                             "pod ~ b", "pod + c", "pod + d"});
    CHECK(server.asked("pods")[2].target ==
          "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&resourceVersion=7");
    CHECK(server.asked("pods")[3].has("resourceVersion=99"));
    CHECK(follower.status("pods").error == "");
  }
}

TEST_CASE("cluster watch: where the server's cache does not have the version, etcd is asked") {
  const ScriptedServer server(
      {{"pods",
        {answers(200, list_of({}, "7")), answers(410, status_of(410, "Expired", "too old")),
         answers(504, status_of(504, "Timeout", "Too large resource version: 7, current: 3")),
         answers(200, list_of({pod_json("a", "3")}, "3"))}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until_told("pod + a"));
  CHECK(server.asked("pods")[3].target ==
        "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500");
}

TEST_CASE("cluster watch: a server that has too much to do is not asked for more") {
  const auto overloaded = answers(504, status_of(504, "Timeout", "the request did not complete"));
  const ScriptedServer server({{"pods",
                                {overloaded, overloaded, answers(200, list_of({}, "7")), overloaded,
                                 watches({event_of("ADDED", pod_json("a", "8"))})}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until_told("pod + a"));
  for (const std::size_t list : {1, 2})
    CHECK(server.asked("pods")[list].has("limit=500&resourceVersion=0"));
  CHECK(server.asked("pods")[4].watch());
  CHECK(server.asked("pods")[4].has("resourceVersion=7"));
}

TEST_CASE("cluster watch: a list of two pages is one list, followed from the first one's version") {
  const ScriptedServer server({{"pods",
                                {answers(200, list_of({pod_json("a", "5")}, "7", "next+page")),
                                 answers(200, list_of({pod_json("b", "6")}, "8"))}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until([&] { return server.asked("pods").size() == 3; }));
  CHECK(follower.watch->pods().size() == 2);
  CHECK(server.asked("pods")[1].has("limit=500&continue=next%2Bpage"));
  CHECK_FALSE(server.asked("pods")[1].has("resourceVersion"));
  CHECK(server.asked("pods")[2].has("resourceVersion=7"));
}

TEST_CASE("cluster watch: a list that breaks off changes nothing, and is made again") {
  const auto whole = list_of({pod_json("a", "5"), pod_json("b", "6")}, "7");
  const Step cut = [&](Wire& wire, const Asked&) {
    wire.begin_chunks();
    wire.chunk(whole.substr(0, whole.size() - 20));
    wire.break_off();
  };
  const Step short_of_json = [&](Wire& wire, const Asked&) {
    wire.begin_chunks();
    wire.chunk(whole.substr(0, whole.size() - 20));
    wire.end_chunks();
  };
  const ScriptedServer server({{"pods", {cut, short_of_json, answers(200, whole)}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until_error("pods", "the answer broke off"));
  CHECK(follower.watch->pods().empty());
  REQUIRE(follower.until_error("pods", "the list is cut off"));
  CHECK(follower.watch->pods().empty());
  REQUIRE(follower.until_told("pod + b"));
  CHECK(follower.status("pods").error == "");
}

TEST_CASE("cluster watch: events of a watch may come in any pieces") {
  const auto lines = event_of("ADDED", pod_json("a", "8")) + event_of("ADDED", pod_json("b", "9"));
  const Step pieces = [&](Wire& wire, const Asked&) {
    wire.begin_chunks();
    for (std::size_t at = 0; at < lines.size(); at += 7)
      wire.chunk(lines.substr(at, 7));
    wire.wait_for_end();
  };
  const ScriptedServer server({{"pods", {answers(200, list_of({}, "7")), pieces}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until_told("pod + b"));
  CHECK(follower.recorder.has("pod + a"));
}

TEST_CASE("cluster watch: a right that is missing is named, the other resources are followed") {
  auto times = quick_times();
  times.forbidden = 400ms;
  const auto began = std::chrono::steady_clock::now();
  const ScriptedServer server(
      {{"services",
        {answers(403, status_of(403, "Forbidden", "services is forbidden: User cannot list"))}},
       {"pods", {answers(200, list_of({pod_json("a", "5")}, "7"))}}});
  Follower follower(loopback(server.port()), times);
  REQUIRE(follower.until_error(
      "services",
      "may not list services: allow the ServiceAccount list and watch of services in its "
      "ClusterRole (services is forbidden: User cannot list)"));
  REQUIRE(follower.until_told("pod + a"));
  CHECK_FALSE(follower.status("services").synced);
  CHECK(follower.status("pods").error == "");
  REQUIRE(follower.until([&] { return follower.status("services").synced; }));  // granted later
  CHECK(follower.status("services").error == "");
  CHECK(std::chrono::steady_clock::now() - began >= 200ms);  // not asked again in a hurry
}

TEST_CASE("cluster watch: a server that asks to be left alone for a while is") {
  const ScriptedServer server({{"pods", {answers(429, "{}", "Retry-After: 1\r\n")}},
                               {"nodes", {answers(503, "{}", "Retry-After: 1\r\n")}}});
  const auto began = std::chrono::steady_clock::now();
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until(
      [&] { return server.asked("pods").size() >= 2 && server.asked("nodes").size() >= 2; }));
  CHECK(std::chrono::steady_clock::now() - began >= 1s);
}

TEST_CASE("cluster watch: only events that concern the node are told, also ahead of their pod") {
  const Step events = watches({event_of("ADDED", event_json("elsewhere", "Other", "201")),
                               event_of("ADDED", event_json("elsewhere", "Ours", "202", "n1")),
                               event_of("ADDED", event_json("b", "Scheduled", "203")),
                               event_of("DELETED", event_json("b", "Expired", "204", "n1")),
                               event_of("MODIFIED", event_json("x", "Last", "205", "n1"))});
  std::atomic<bool> events_seen = false;
  const ScriptedServer server(
      {{"pods",
        {answers(200, list_of({}, "7")),
         [&](Wire& wire, const Asked& asked) {
           while (!events_seen)
             std::this_thread::sleep_for(1ms);
           watches({event_of("ADDED", pod_json("b", "8"))})(wire, asked);
         }}},
       {"events", {answers(200, list_of({event_json("b", "Old", "99", "n1")}, "100")), events}}});
  Follower follower(loopback(server.port()));
  const bool told = follower.until_told("event Last");
  events_seen = true;
  REQUIRE(told);
  REQUIRE(follower.until_told("event Scheduled"));
  CHECK(follower.recorder.has("event Ours"));
  CHECK_FALSE(follower.recorder.has("event Other"));
  CHECK_FALSE(follower.recorder.has("event Old"));
  CHECK_FALSE(follower.recorder.has("event Expired"));
}

TEST_CASE("cluster watch: of events about nodes those about this one are told, of others none") {
  const auto about = [](const std::string& kind, const std::string& name, const std::string& reason,
                        const std::string& version) {
    auto event = nlohmann::json::parse(event_json("b", reason, version, "n1"));
    event["involvedObject"] = {{"kind", kind}, {"name", name}, {"uid", name}};
    return event_of("ADDED", event.dump());
  };
  const ScriptedServer server({{"events",
                                {answers(200, list_of({}, "100")),
                                 watches({about("Node", "n2", "NodeNotReady", "201"),
                                          about("Node", "n1", "SystemOOM", "202"),
                                          about("ConfigMap", "n1", "LeaderElection", "203"),
                                          about("Node", "n1", "Rebooted", "204")})}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until_told("event Rebooted"));
  std::erase_if(follower.recorder.told,
                [](const auto& line) { return !line.starts_with("event"); });
  CHECK(follower.recorder.told == std::vector<std::string>{"event SystemOOM", "event Rebooted"});
}

TEST_CASE("cluster watch: where events are not wanted nobody is asked for them") {
  const ScriptedServer server({});
  Follower follower(loopback(server.port()), quick_times(), false);
  REQUIRE(follower.until([&] { return server.asked("nodes").size() == 2; }));
  follower.run_for(100ms);
  CHECK(server.asked("events").empty());
  CHECK(follower.watch->status().size() == 4);
}

TEST_CASE("cluster watch: nothing is told after its end, whatever it was at") {
  const Step slow = [](Wire& wire, const Asked&) {
    wire.begin_chunks();
    wire.chunk(event_of("ADDED", pod_json("a", "8")));
    wire.wait_for_end();
  };
  const ScriptedServer server({{"pods", {answers(200, list_of({}, "7")), slow}}});
  Follower follower(loopback(server.port()));
  REQUIRE(follower.until([&] { return server.asked("pods").size() == 2; }));
  follower.watch.reset();
  const auto before = follower.recorder.told;
  follower.run_for(100ms);
  CHECK(follower.recorder.told == before);
}
