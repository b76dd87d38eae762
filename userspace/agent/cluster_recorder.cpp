// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster_recorder.hpp"

#include <memory>
#include <string>
#include <utility>

#include "core/clock.hpp"

namespace caprock::agent {

void ClusterRecorder::start(View view, std::int64_t inventory_interval_ns) {
  stop();
  view_ = std::move(view);
  inventory_interval_ns_ = inventory_interval_ns;
  last_inventory_ns_ = monotonic_ns();
  const auto instance = static_cast<std::uint64_t>(last_inventory_ns_);
  auto queue = std::make_unique<capture::BlockQueue>(SourceId{SourceKind::kKubernetes, 0, instance},
                                                     INT64_MAX);
  queue_ = queue.get();
  std::vector<std::unique_ptr<capture::PacketSource>> sources;
  sources.push_back(std::move(queue));
  sources_ = recorder_.add_sources(std::move(sources));
  tell([&](Blocks& out, std::int64_t wall_ns) {
    journal_.begin(out, wall_ns);
    if (journal_.is_synced(kubernetes::Resource::kPods)) journal_.inventory(out, view_(), wall_ns);
  });
}

void ClusterRecorder::set_inventory_interval(std::int64_t inventory_interval_ns) {
  inventory_interval_ns_ = inventory_interval_ns;
}

void ClusterRecorder::stop() {
  if (queue_ == nullptr) return;
  tell([&](Blocks& out, std::int64_t wall_ns) { journal_.end(out, wall_ns); });
  queue_ = nullptr;
  recorder_.finish_sources(sources_);
  sources_.clear();
}

/// While an entry of a moment is in the making, the lane does not take the record for complete
/// beyond that moment.
template <class Write>
void ClusterRecorder::tell(Write write) {
  if (queue_ == nullptr) return;
  const std::int64_t now_ns = monotonic_ns();
  queue_->set_complete(now_ns);
  const bool room = !queue_->full();
  journal_.set_room(room);
  Blocks blocks;
  write(blocks, now_ns + recorder_.wall_offset());
  if (room && !blocks.empty()) queue_->put(std::move(blocks));
  queue_->set_complete(INT64_MAX);
}

void ClusterRecorder::tick() {
  const bool due =
      inventory_interval_ns_ != 0 && monotonic_ns() - last_inventory_ns_ >= inventory_interval_ns_;
  if (due && journal_.is_synced(kubernetes::Resource::kPods)) return take_inventory();
  tell([&](Blocks& out, std::int64_t wall_ns) { journal_.tell_suppressed(out, wall_ns); });
}

/// To readers, what it does not tell is no more.
void ClusterRecorder::take_inventory() {
  last_inventory_ns_ = monotonic_ns();
  tell([&](Blocks& out, std::int64_t wall_ns) { journal_.inventory(out, view_(), wall_ns); });
}

std::vector<kubernetes::EntryStatus> ClusterRecorder::status() const {
  return queue_ == nullptr ? std::vector<kubernetes::EntryStatus>{} : journal_.status();
}

void ClusterRecorder::on_pod(const kubernetes::Pod* before, const kubernetes::Pod* after) {
  if (after == nullptr) {
    pods_.remove(before->uid);
  } else {
    std::vector<std::string> containers;
    for (const auto& container : after->containers)
      containers.push_back(container.id);
    pods_.set({after->uid, after->namespace_name, after->name}, containers, cgroup_uid(*after));
  }
  tell([&](Blocks& out, std::int64_t wall_ns) {
    journal_.on_pod(out, view_(), before, after, wall_ns);
  });
}

void ClusterRecorder::on_service(const kubernetes::Service* before,
                                 const kubernetes::Service* after) {
  tell([&](Blocks& out, std::int64_t wall_ns) {
    journal_.on_service(out, view_(), before, after, wall_ns);
  });
}

void ClusterRecorder::on_namespace(const kubernetes::Namespace* before,
                                   const kubernetes::Namespace* after) {
  tell([&](Blocks& out, std::int64_t wall_ns) {
    journal_.on_namespace(out, before, after, wall_ns);
  });
}

void ClusterRecorder::on_node(const kubernetes::Node* before, const kubernetes::Node* after) {
  tell([&](Blocks& out, std::int64_t wall_ns) { journal_.on_node(out, before, after, wall_ns); });
}

void ClusterRecorder::on_event(const kubernetes::Event& event) {
  tell([&](Blocks& out, std::int64_t wall_ns) { journal_.on_event(out, event, wall_ns); });
}

void ClusterRecorder::on_synced(kubernetes::Resource resource) {
  const bool first = !journal_.is_synced(resource);
  journal_.on_synced(resource);
  if (first && resource == kubernetes::Resource::kPods) take_inventory();
}

}  // namespace caprock::agent
