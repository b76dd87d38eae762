// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/cluster_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "kubernetes/list_watch.hpp"
#include "kubernetes/object_cache.hpp"
#include "kubernetes/object_json.hpp"
#include "kubernetes/own_events.hpp"

namespace caprock::kubernetes {

namespace asio = boost::asio;

namespace {

/// The server selects by one kind, or leaves some out. Two watches would take two more requests at
/// a start; so those are left out that tell most besides pods and nodes.
constexpr std::string_view kNoEventsOf[] = {"Deployment",
                                            "ReplicaSet",
                                            "StatefulSet",
                                            "DaemonSet",
                                            "Job",
                                            "CronJob",
                                            "PersistentVolumeClaim",
                                            "HorizontalPodAutoscaler",
                                            "Service",
                                            "PodDisruptionBudget",
                                            "Ingress",
                                            "ReplicationController"};

std::string event_selector() {
  std::string selector;
  for (const auto kind : kNoEventsOf)
    selector += fmt::format("{}involvedObject.kind!={}", selector.empty() ? "" : ",", kind);
  return selector;
}

}  // namespace

/// Shared with the coroutines, which may outlive the ClusterWatch by a turn.
class ClusterWatch::Part : public std::enable_shared_from_this<Part> {
 public:
  Part(const std::string& node, bool with_events, ClusterListener& listener);

  void start(const asio::any_io_executor& executor, const std::shared_ptr<ApiServer>& server);
  void stop();

  ObjectCache<Pod> pods;
  ObjectCache<Service> services;
  ObjectCache<Namespace> namespaces;
  ObjectCache<Node> nodes;  // the one alone
  OwnEvents events;

  bool follows(Resource resource) const;
  std::vector<ResourceStatus> status() const;

 private:
  struct Followed {
    Resource resource;
    Selection selection;
    ObjectSink* sink;
    std::function<std::uint64_t()> objects;
    std::unique_ptr<ListWatch> watch;
  };

  /// Calls of the listener, none after stop().
  template <class Object>
  auto teller(void (ClusterListener::*tell)(const Object*, const Object*)) {
    return [this, tell](const Object* before, const Object* after) {
      if (listener_ != nullptr) (listener_->*tell)(before, after);
    };
  }

  auto synced_teller(Resource resource) {
    return [this, resource] {
      if (listener_ != nullptr) listener_->on_synced(resource);
    };
  }

  template <class Object>
  static auto count(const ObjectCache<Object>& cache) {
    return [&cache]() -> std::uint64_t { return cache.objects().size(); };
  }

  OwnEvents::Calls event_calls();
  void tell_pod(const Pod* before, const Pod* after);
  static asio::awaitable<void> follow(std::shared_ptr<Part> part, ListWatch& watch);

  ClusterListener* listener_;  // null: stopped
  std::vector<Followed> followed_;
};

ClusterWatch::Part::Part(const std::string& node, bool with_events, ClusterListener& listener)
    : pods(
          parse_pod, &Pod::uid, [this](auto* before, auto* after) { tell_pod(before, after); },
          synced_teller(Resource::kPods)),
      services(parse_service, &Service::uid, teller(&ClusterListener::on_service),
               synced_teller(Resource::kServices)),
      namespaces(parse_namespace, &Namespace::name, teller(&ClusterListener::on_namespace),
                 synced_teller(Resource::kNamespaces)),
      nodes(parse_node, &Node::uid, teller(&ClusterListener::on_node),
            synced_teller(Resource::kNode)),
      events(node, event_calls()),
      listener_(&listener) {
  const auto follow = [this](Resource resource, Selection selection, ObjectSink& sink,
                             auto objects) {
    followed_.push_back({resource, std::move(selection), &sink, std::move(objects), {}});
  };
  follow(Resource::kPods, {.resource = "pods", .field_selector = "spec.nodeName=" + node}, pods,
         count(pods));
  follow(Resource::kServices, {.resource = "services", .field_selector = {}}, services,
         count(services));
  follow(Resource::kNamespaces, {.resource = "namespaces", .field_selector = {}}, namespaces,
         count(namespaces));
  follow(Resource::kNode, {.resource = "nodes", .field_selector = "metadata.name=" + node}, nodes,
         count(nodes));
  if (with_events)
    follow(Resource::kEvents,
           {.resource = "events", .field_selector = event_selector(), .only_new = true}, events,
           [this] { return events.told(); });
}

OwnEvents::Calls ClusterWatch::Part::event_calls() {
  return {.is_pod_of_node = [this](const auto& uid) { return pods.objects().contains(uid); },
          .tell =
              [this](const Event& event) {
                if (listener_ != nullptr) listener_->on_event(event);
              },
          .synced = synced_teller(Resource::kEvents)};
}

void ClusterWatch::Part::tell_pod(const Pod* before, const Pod* after) {
  if (listener_ != nullptr) listener_->on_pod(before, after);
  if (before == nullptr) events.pod_appeared(after->uid);
}

void ClusterWatch::Part::start(const asio::any_io_executor& executor,
                               const std::shared_ptr<ApiServer>& server) {
  for (auto& part : followed_) {
    part.watch = std::make_unique<ListWatch>(executor, server, part.selection, *part.sink);
    asio::co_spawn(executor, follow(shared_from_this(), *part.watch), asio::detached);
  }
}

asio::awaitable<void> ClusterWatch::Part::follow([[maybe_unused]] std::shared_ptr<Part> part,
                                                 ListWatch& watch) {
  co_await watch.run();
}

void ClusterWatch::Part::stop() {
  listener_ = nullptr;
  for (auto& part : followed_)
    part.watch->stop();
}

bool ClusterWatch::Part::follows(Resource resource) const {
  return std::ranges::any_of(followed_, [&](const Followed& part) {
    const auto& state = part.watch->state();
    return part.resource == resource && state.synced && state.error.empty();
  });
}

std::vector<ResourceStatus> ClusterWatch::Part::status() const {
  std::vector<ResourceStatus> all;
  for (const auto& part : followed_) {
    const auto& state = part.watch->state();
    all.push_back({.name = part.selection.resource,
                   .synced = state.synced,
                   .error = state.error,
                   .objects = part.objects(),
                   .requests = state.requests,
                   .bytes = part.watch->bytes(),
                   .heard_ns = state.heard_ns});
  }
  return all;
}

ClusterWatch::ClusterWatch(const asio::any_io_executor& executor,
                           const std::shared_ptr<ApiServer>& server, const std::string& node,
                           bool with_events, ClusterListener& listener)
    : part_(std::make_shared<Part>(node, with_events, listener)) {
  part_->start(executor, server);
}

ClusterWatch::~ClusterWatch() {
  part_->stop();
}

const std::map<std::string, Pod>& ClusterWatch::pods() const {
  return part_->pods.objects();
}

const std::map<std::string, Service>& ClusterWatch::services() const {
  return part_->services.objects();
}

const std::map<std::string, Namespace>& ClusterWatch::namespaces() const {
  return part_->namespaces.objects();
}

const Node* ClusterWatch::node() const {
  const auto& nodes = part_->nodes.objects();
  return nodes.empty() ? nullptr : &nodes.begin()->second;
}

bool ClusterWatch::follows(Resource resource) const {
  return part_->follows(resource);
}

std::vector<ResourceStatus> ClusterWatch::status() const {
  return part_->status();
}

}  // namespace caprock::kubernetes
