// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster.hpp"

#include <fmt/format.h>

#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/cluster_settings.hpp"
#include "core/log.hpp"
#include "kubernetes/back_off.hpp"
#include "kubernetes/pod_file.hpp"

namespace caprock::agent {

Cluster::Cluster(const config::Agent& settings, std::string node,
                 kubernetes::ClusterListener& journal, std::function<void()> pods_changed)
    : settings_(settings),
      node_(std::move(node)),
      memory_(settings.data_dir / "pods.json"),
      journal_(journal),
      pods_changed_(std::move(pods_changed)) {
  recall();
}

boost::asio::awaitable<void> Cluster::follow() {
  const auto executor = co_await boost::asio::this_coro::executor;
  const kubernetes::Times times;
  kubernetes::BackOff pauses(times.retry_least, times.retry_most);
  boost::asio::steady_timer pause(executor);
  auto server = api_server(settings_, times);
  while (!server) {
    trouble_ = fmt::format("Kubernetes is not followed: {}", server.error().message());
    report_error(trouble_);
    pause.expires_after(pauses.next());
    co_await pause.async_wait(boost::asio::use_awaitable);
    server = api_server(settings_, times);
  }
  trouble_.clear();
  watch_ = std::make_unique<kubernetes::ClusterWatch>(executor, *server, node_,
                                                      settings_.kubernetes_events, *this);
}

Cluster::~Cluster() = default;

const PodMap& Cluster::pods() const {
  return synced_ ? watch_->pods() : remembered_;
}

kubernetes::ClusterView Cluster::view() const {
  return {.pods = watch_->pods(),
          .services = watch_->services(),
          .namespaces = watch_->namespaces(),
          .node = watch_->node()};
}

bool Cluster::follows_pods() const {
  return synced_ && watch_->follows(kubernetes::Resource::kPods);
}

std::vector<api::WatchedResource> Cluster::resources() const {
  std::vector<api::WatchedResource> resources;
  if (!watch_) return resources;
  for (auto& status : watch_->status())
    resources.push_back({.name = std::move(status.name),
                         .synced = status.synced,
                         .objects = status.objects,
                         .requests = status.requests,
                         .bytes = status.bytes,
                         .error = std::move(status.error)});
  return resources;
}

std::vector<std::string> Cluster::notes() const {
  std::vector<std::string> notes;
  if (!trouble_.empty()) notes.push_back(trouble_);
  if (!synced_ && !remembers_)
    notes.push_back("no pods are known yet: the API server has not told them");
  if (!synced_ && remembers_)
    notes.push_back(
        fmt::format("the pods are those that were known last ({}), until the API server "
                    "has told them",
                    memory_.file().string()));
  return notes;
}

void Cluster::recall() {
  auto pods = kubernetes::read_pods(memory_.file());
  if (!pods) return report_error(pods.error().message());
  for (auto& pod : *pods)
    if (pod.node == node_) remembered_.emplace(pod.uid, std::move(pod));
  remembers_ = !remembered_.empty();
}

void Cluster::remember() {
  if (memory_.busy()) return;
  check_memory();
  if (std::exchange(changed_, false)) memory_.replace(kubernetes::list_text(pods()));
}

void Cluster::remember_last() {
  check_memory();
  remember();
  check_memory();
}

void Cluster::check_memory() {
  const Status written = memory_.finish();
  if (written) return;
  report_error(written.error().message());
  changed_ = true;
}

void Cluster::on_pod(const kubernetes::Pod* before, const kubernetes::Pod* after) {
  journal_.on_pod(before, after);
  changed_ = true;
  if (synced_) pods_changed_();
}

void Cluster::on_service(const kubernetes::Service* before, const kubernetes::Service* after) {
  journal_.on_service(before, after);
}

void Cluster::on_namespace(const kubernetes::Namespace* before,
                           const kubernetes::Namespace* after) {
  journal_.on_namespace(before, after);
}

void Cluster::on_node(const kubernetes::Node* before, const kubernetes::Node* after) {
  journal_.on_node(before, after);
}

void Cluster::on_event(const kubernetes::Event& event) {
  journal_.on_event(event);
}

void Cluster::on_synced(kubernetes::Resource resource) {
  journal_.on_synced(resource);
  if (resource != kubernetes::Resource::kPods) return;
  synced_ = true;
  changed_ = true;
  remembered_.clear();
  pods_changed_();
}

}  // namespace caprock::agent
