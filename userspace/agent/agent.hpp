// SPDX-License-Identifier: Apache-2.0
// The agent: what there is on a node, who owns it, and in what order it starts and ends.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "agent/event_recorder.hpp"
#include "agent/interface_follower.hpp"
#include "agent/own_daemon_set.hpp"
#include "agent/pod_follower.hpp"
#include "agent/recorder.hpp"
#include "agent/routes.hpp"
#include "agent/run.hpp"
#include "agent/status_collector.hpp"
#include "agent/top.hpp"
#include "config/config.hpp"
#include "core/endpoint.hpp"
#include "core/result.hpp"
#include "filter/apply.hpp"
#include "http/server.hpp"

namespace caprock::agent {

/// Composition root. Everything here lives on one thread, the control plane's; lanes, housekeeping
/// and streams have their own.
class Agent {
 public:
  static Result<std::unique_ptr<Agent>> create(const Options& options);

  /// Until SIGTERM or SIGINT; then everything accepted so far is in the ring, sealed and synced.
  Status run();

 private:
  Agent(const Options& options, config::LoadedConfig loaded);

  Status start();
  Status make_recorder();
  void collect_signals();
  Status listen();
  void set_events();
  void log_findings() const;
  Status follow_pods();
  Status apply_filter(const config::Config& config, const PodPlan& plan);
  Status put_in_force(const config::Config& config);
  PodFollower::Devices devices() const;
  const PodPlan& plan() const;
  Status plan_by(const config::Config& config);
  void replan();
  void reload();
  Status adopt(config::LoadedConfig loaded);
  Status change_capture(const std::vector<std::string>& assignments);
  api::CaptureDocument capture() const;
  api::TargetsReport targets() const;
  ControlRoutes control();
  void spawn(boost::asio::awaitable<void> watcher);
  void spawn_watchers();
  void follow_clock();
  boost::asio::awaitable<void> follow_devices();
  boost::asio::awaitable<void> tick();
  boost::asio::awaitable<void> await_signal();
  bool keeps_programs() const;
  FollowerSettings follower_settings() const;

  const Options options_;
  const config::Config started_with_;
  config::Config config_;
  std::map<std::string, std::string> changes_;  // by PATCH, since the configuration was loaded
  StatusContext context_;
  std::vector<Endpoint> endpoints_;  // with the ports in use

  int signal_ = 0;     // that ended it
  bool last_ = false;  // no agent comes after it
  Status failure_;     // why the control plane ended by itself

  boost::asio::io_context io_{1};
  boost::asio::signal_set stops_{io_};
  boost::asio::signal_set hangups_{io_};
  std::unique_ptr<Recorder> recorder_;
  PodDirectory pod_directory_;
  std::unique_ptr<EventRecorder> events_;
  std::unique_ptr<PodFollower> pods_;  // null: not on Kubernetes
  OwnDaemonSet daemon_set_;
  PodPlan in_force_;  // as of its plan the filter is
  std::unique_ptr<filter::Applier> filter_;
  std::unique_ptr<InterfaceFollower> follower_;
  std::unique_ptr<StatusCollector> collector_;
  Top top_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace caprock::agent
