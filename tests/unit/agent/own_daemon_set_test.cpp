// SPDX-License-Identifier: Apache-2.0
#include "agent/own_daemon_set.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "support/temporary_file.hpp"
#include "unit/kubernetes/scripted_server.hpp"

using namespace caprock;
using namespace caprock::test;

namespace {

constexpr const char* kName = "caprock-agent";
constexpr const char* kLeftOut = "its DaemonSet has no place for this node any more";

std::string daemon_set(const std::string& pod, const std::string& metadata = "") {
  return fmt::format(R"({{"metadata": {{{}}}, "spec": {{"template": {{"spec": {}}}}}}})", metadata,
                     pod);
}

std::string wants(const std::string& zone) {
  return daemon_set(R"({"nodeSelector": {"zone": ")" + zone + "\"}}");
}

std::string nodes() {
  return list_of({R"({"metadata": {"name": "n1", "labels": {"zone": "a"}}})"}, "7");
}

/// An agent of the DaemonSet on node n1.
class Node {
 public:
  explicit Node(ScriptedServer::Script script) : server_(std::in_place, std::move(script)) {
    ::setenv("CAPROCK_DAEMONSET", kName, 1);
    ::setenv("POD_NAMESPACE", "flight", 1);
    config::Agent settings;
    settings.kubeconfig = kubeconfig_.path();
    daemon_set_.emplace(settings, "n1");
    write_kubeconfig();
  }
  ~Node() {
    ::unsetenv("CAPROCK_DAEMONSET");
    ::unsetenv("POD_NAMESPACE");
  }

  void look() { run(daemon_set_->look()); }

  std::string why_last() {
    std::string why = "nothing";
    run([](auto& daemon_set, auto& into) -> boost::asio::awaitable<void> {
      into = co_await daemon_set.why_last();
    }(*daemon_set_, why));
    return why;
  }

  /// As a file that comes later than the agent.
  void write_kubeconfig(const std::string& token = "t") const {
    std::ofstream(kubeconfig_.path()) << fmt::format(
        "current-context: main\ncontexts: [{{name: main, context: {{cluster: c, user: u}}}}]\n"
        "clusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:{}\"}}}}]\n"
        "users: [{{name: u, user: {{token: {}}}}}]\n",
        server_->port(), token);
  }

  void stop_server() { server_.reset(); }
  const ScriptedServer& server() const { return *server_; }

 private:
  static void run(boost::asio::awaitable<void> work) {
    boost::asio::io_context context{1};
    boost::asio::co_spawn(context, std::move(work), boost::asio::detached);
    context.run();
  }

  const TemporaryFile kubeconfig_;
  std::optional<ScriptedServer> server_;
  std::optional<agent::OwnDaemonSet> daemon_set_;
};

}  // namespace

TEST_CASE("own DaemonSet: one that goes on and wants the node sends another agent") {
  Node node({{kName, {answers(200, wants("a"))}}, {"nodes", {answers(200, nodes())}}});
  CHECK(node.why_last() == "");
  CHECK(node.server().asked(kName).at(0).target ==
        "/apis/apps/v1/namespaces/flight/daemonsets/caprock-agent");
  CHECK(node.server().asked("nodes").at(0).target ==
        "/api/v1/nodes?fieldSelector=metadata.name%3Dn1");
}

TEST_CASE("own DaemonSet: one that does not want the node any more sends none") {
  Node node({{kName, {answers(200, wants("b"))}}, {"nodes", {answers(200, nodes())}}});
  CHECK(node.why_last() == kLeftOut);
}

TEST_CASE("own DaemonSet: where the node cannot be seen another agent is to come") {
  Node node(
      {{kName, {answers(200, wants("b")), answers(200, wants("b")), answers(200, wants("b"))}},
       {"nodes",
        {answers(403, status_of(403, "Forbidden", "no")), answers(200, list_of({}, "7")),
         answers(200, "nonsense")}}});
  CHECK(node.why_last() == "");
  CHECK(node.why_last() == "");
  CHECK(node.why_last() == "");
}

TEST_CASE("own DaemonSet: one that is being deleted, or is gone, sends none") {
  Node node({{kName,
              {answers(200, daemon_set("{}", R"("deletionTimestamp": "2026-01-01T00:00:00Z")")),
               answers(404, status_of(404, "NotFound", "gone"))}}});
  CHECK(node.why_last() == "its DaemonSet is being deleted");
  CHECK(node.why_last() == "its DaemonSet is gone");
}

TEST_CASE("own DaemonSet: only of one that was there before a refusal says that it is gone") {
  for (const unsigned status : {401U, 403U, 404U}) {
    const auto refusal = answers(status, status_of(status, "Reason", "no"));
    Node never_saw_it({{kName, {refusal, refusal}}});
    never_saw_it.look();
    CHECK(never_saw_it.why_last() == "");
    Node uninstalled({{kName, {answers(200, wants("a")), refusal, refusal, refusal}}});
    uninstalled.look();
    CHECK(uninstalled.why_last() == "its DaemonSet is gone");
  }
}

TEST_CASE("own DaemonSet: rights that come back in time say that another agent is to come") {
  ::setenv("CAPROCK_GRACE_SECONDS", "60", 1);
  for (const unsigned status : {401U, 403U}) {
    const auto refusal = answers(status, status_of(status, "Reason", "no"));
    Node node({{kName, {answers(200, wants("a")), refusal, refusal, answers(200, wants("a"))}},
               {"nodes", {answers(200, nodes())}}});
    node.look();
    CHECK(node.why_last() == "");
  }
  ::unsetenv("CAPROCK_GRACE_SECONDS");
}

TEST_CASE("own DaemonSet: a token that is refused is read again") {
  Node node({{kName,
              {answers(200, wants("a")), answers(401, status_of(401, "Unauthorized", "no")),
               answers(200, wants("a"))}},
             {"nodes", {answers(200, nodes())}}});
  node.look();
  node.write_kubeconfig("renewed");
  CHECK(node.why_last() == "");
  CHECK(node.server().asked(kName).at(1).headers.at("authorization") == "Bearer t");
  CHECK(node.server().asked(kName).at(2).headers.at("authorization") == "Bearer renewed");
}

TEST_CASE("own DaemonSet: without an answer another agent is to come") {
  Node node({});
  node.stop_server();
  CHECK(node.why_last() == "");
}
