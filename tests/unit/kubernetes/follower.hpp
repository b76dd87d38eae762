// SPDX-License-Identifier: Apache-2.0
// A ClusterWatch of node n1 with what it told, run by the test's own thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "kubernetes/cluster_watch.hpp"

namespace caprock::test {

/// "pod + web": it appeared; "~": it changed; "-": it is gone.
class Recorder : public kubernetes::ClusterListener {
 public:
  std::vector<std::string> told;

  bool has(const std::string& line) const {
    return std::find(told.begin(), told.end(), line) != told.end();
  }

  void on_pod(const kubernetes::Pod* before, const kubernetes::Pod* after) override {
    add("pod", before, after);
  }
  void on_service(const kubernetes::Service* before, const kubernetes::Service* after) override {
    add("service", before, after);
  }
  void on_namespace(const kubernetes::Namespace* before,
                    const kubernetes::Namespace* after) override {
    add("namespace", before, after);
  }
  void on_node(const kubernetes::Node* before, const kubernetes::Node* after) override {
    add("node", before, after);
  }
  void on_event(const kubernetes::Event& event) override {
    told.push_back("event " + event.reason);
  }
  void on_synced(kubernetes::Resource resource) override {
    told.push_back("synced " + std::to_string(static_cast<int>(resource)));
  }

 private:
  template <class Object>
  void add(const std::string& kind, const Object* before, const Object* after) {
    const char* sign = before == nullptr ? " + " : after == nullptr ? " - " : " ~ ";
    told.push_back(kind + sign + (after == nullptr ? before : after)->name);
  }
};

inline kubernetes::Times quick_times() {
  using namespace std::chrono_literals;
  kubernetes::Times times;
  times.answer = 20s;
  times.watch = 1s;
  times.watch_margin = 20s;
  times.retry_least = 10ms;
  times.retry_most = 50ms;
  times.forbidden = 100ms;
  return times;
}

inline kubernetes::Credentials loopback(std::uint16_t port) {
  kubernetes::Credentials credentials;
  credentials.host = "127.0.0.1";
  credentials.port = port;
  credentials.tls = false;
  return credentials;
}

class Follower {
 public:
  explicit Follower(kubernetes::Credentials credentials,
                    const kubernetes::Times& times = quick_times(), bool with_events = true)
      : watch(std::in_place, context.get_executor(),
              *kubernetes::ApiServer::create(std::move(credentials), times), "n1", with_events,
              recorder) {}

  ~Follower() {
    watch.reset();
    context.poll();
  }

  /// Lets it work until `reached`; false: it was not within half a minute.
  bool until(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!reached() && std::chrono::steady_clock::now() < deadline)
      context.run_one_for(std::chrono::milliseconds(10));
    return reached();
  }
  bool until_told(const std::string& line) {
    const bool told = until([&] { return recorder.has(line); });
    for (const auto& was : recorder.told)
      UNSCOPED_INFO(was);
    return told;
  }
  void run_for(std::chrono::milliseconds time) { context.run_for(time); }

  kubernetes::ResourceStatus status(const std::string& resource) const {
    for (auto& status : watch->status())
      if (status.name == resource) return status;
    FAIL("no status of " << resource);
    return {};
  }
  bool until_error(const std::string& resource, const std::string& part) {
    const bool reached =
        until([&] { return status(resource).error.find(part) != std::string::npos; });
    UNSCOPED_INFO(status(resource).error);
    return reached;
  }

  Recorder recorder;
  boost::asio::io_context context{1};
  std::optional<kubernetes::ClusterWatch> watch;
};

}  // namespace caprock::test
