// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/cluster_settings.hpp"

namespace caprock::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr auto kTogether = 10ms;  // what comes within is planned for at once
constexpr auto kSoon = 100ms;     // the next look for the owner of a link
constexpr auto kLater = 2s;       // a bridge may have heard of an address by then

void note_missing(std::string_view key, const std::set<std::string>& names,
                  const std::map<std::string, kubernetes::Namespace>& there,
                  std::vector<std::string>& notes) {
  for (const auto& name : names)
    if (!there.contains(name)) notes.push_back(fmt::format("{}: the cluster has no {}", key, name));
}

}  // namespace

PodFollower::PodFollower(boost::asio::any_io_executor executor, const config::Config& config,
                         const std::string& host, Recorder& recorder, PodDirectory& pods,
                         filter::PodFilter filter)
    : inventory_interval_(config.agent.os_inventory_interval),
      journal_(recorder, pods),
      cluster_(config.agent, cluster_node(config.agent, host), journal_, [this] { wake(); }),
      targeting_(std::move(filter), config.agent.pod_loopback),
      timer_(executor) {}

boost::asio::awaitable<void> PodFollower::follow_cluster() {
  co_await cluster_.follow();
  journal_.start([this] { return cluster_.view(); }, inventory_interval_.count());
}

boost::asio::awaitable<void> PodFollower::plan_changes(std::function<void()> replan) {
  for (;;) {
    timer_.expires_after(targeting_.waits() ? Nanoseconds(kSoon) : Nanoseconds(kLater));
    if (!woken_) co_await timer_.async_wait(kTuple);
    if (std::exchange(woken_, false)) {
      timer_.expires_after(kTogether);
      gathering_ = true;
      co_await timer_.async_wait(kTuple);
      gathering_ = woken_ = false;
    }
    replan();
  }
}

void PodFollower::tick() {
  journal_.tick();
  cluster_.remember();
}

void PodFollower::stop() {
  journal_.stop();
  cluster_.remember_last();
}

std::vector<std::string> PodFollower::notes() const {
  auto notes = cluster_.notes();
  if (const auto count = plan().without_link; count != 0)
    notes.push_back(fmt::format(
        "{} of the targets have no link that is known: they are recorded by their addresses, on "
        "links that others share",
        count));
  for (const auto& resource : cluster_.resources()) {
    if (!resource.synced) continue;
    if (resource.name == "nodes" && cluster_.view().node == nullptr)
      notes.push_back(
          fmt::format("the cluster has no node {}; set agent.kubernetes.node", cluster_.node()));
    if (resource.name != "namespaces") continue;
    const filter::PodFilter& filter = targeting_.filter();
    const auto& there = cluster_.view().namespaces;
    note_missing("tap.namespaces", filter.namespaces(), there, notes);
    note_missing("tap.excludedNamespaces", filter.excluded_namespaces(), there, notes);
  }
  return notes;
}

api::TargetsReport PodFollower::targets() const {
  return {.node = cluster_.node(),
          .enabled = true,
          .restricts = targeting_.filter().restricts(),
          .resources = cluster_.resources(),
          .notes = notes(),
          .targets = plan().targets};
}

api::KubernetesStatus PodFollower::status() const {
  api::KubernetesStatus status{.enabled = true,
                               .node = cluster_.node(),
                               .pods = plan().targets.size(),
                               .targets = static_cast<std::uint64_t>(
                                   std::ranges::count_if(plan().targets, &api::Target::targeted)),
                               .resources = cluster_.resources(),
                               .entries = {},
                               .notes = notes()};
  for (const auto& entry : journal_.status())
    status.entries.push_back({.name = std::string(entry.type),
                              .recorded = entry.counts.recorded,
                              .suppressed = entry.counts.suppressed});
  return status;
}

}  // namespace caprock::agent
