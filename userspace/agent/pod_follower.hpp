// SPDX-License-Identifier: Apache-2.0
// The pods of this node, from the API server to what is recorded of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/cluster.hpp"
#include "agent/cluster_recorder.hpp"
#include "agent/pod_plan.hpp"
#include "agent/recorder.hpp"
#include "agent/targeting.hpp"
#include "api/status.hpp"
#include "api/targets.hpp"
#include "config/config.hpp"
#include "core/pod_directory.hpp"

namespace caprock::agent {

/// Control-plane thread.
class PodFollower {
 public:
  /// What is known of the devices: as InterfaceFollower has it.
  struct Devices {
    std::function<const capture::DeviceMap&()> all;
    std::function<std::int64_t(std::uint32_t)> appeared_ns;
  };

  /// `recorder` and `pods` must outlive it. Begins with the pods that an agent before knew.
  PodFollower(boost::asio::any_io_executor executor, const config::Config& config,
              const std::string& host, Recorder& recorder, PodDirectory& pods,
              filter::PodFilter filter);

  /// Begins to follow the cluster, as soon as there are credentials; to be begun once.
  boost::asio::awaitable<void> follow_cluster();

  /// Runs as long as the agent does. After each change `replan` is called soon.
  boost::asio::awaitable<void> plan_changes(std::function<void()> replan);

  /// Something is new: of pods, or of devices.
  void wake() {
    woken_ = true;
    if (!gathering_) timer_.cancel();
  }

  void set(filter::PodFilter filter, bool loopbacks) {
    targeting_.set(std::move(filter), loopbacks);
  }
  void set_inventory_interval(Nanoseconds interval) {
    journal_.set_inventory_interval(interval.count());
  }

  /// Plans anew by what is known now.
  void update(const Devices& devices) {
    targeting_.update(cluster_, devices.all(), devices.appeared_ns);
  }
  const PodPlan& plan() const { return targeting_.plan(); }

  /// What is to be done now and then: call it about once a second.
  void tick();

  /// All that was told of the cluster is in the lanes when this returns.
  void stop();

  api::TargetsReport targets() const;
  api::KubernetesStatus status() const;

 private:
  std::vector<std::string> notes() const;

  Nanoseconds inventory_interval_;
  ClusterRecorder journal_;
  Cluster cluster_;
  Targeting targeting_;
  boost::asio::steady_timer timer_;
  bool woken_ = false;
  bool gathering_ = false;  // what comes now is planned for already
};

}  // namespace caprock::agent
