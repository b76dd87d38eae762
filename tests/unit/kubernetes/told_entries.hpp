// SPDX-License-Identifier: Apache-2.0
// What a ClusterJournal tells, read back, and objects for it to tell of.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kubernetes/cluster_journal.hpp"
#include "pcapng/reader.hpp"
#include "support/name_records.hpp"

namespace caprock::test {

using Fields = std::map<std::string, std::string>;

/// The journal entries among the blocks.
inline std::vector<Fields> entries_of(Bytes blocks) {
  std::vector<Fields> entries;
  pcapng::BlockCursor cursor(blocks);
  while (const auto block = cursor.next()) {
    if (block->type != pcapng::kJournalExport) continue;
    Fields& entry = entries.emplace_back();
    pcapng::JournalCursor fields(*block);
    while (const auto field = fields.next())
      entry.emplace(*field);
  }
  return entries;
}

inline kubernetes::Container container(const std::string& name = "app") {
  kubernetes::Container made;
  made.name = name;
  made.image = "nginx:1.25";
  return made;
}

/// A pod that has just been scheduled.
inline kubernetes::Pod pod(const std::string& name = "frontend-7c9") {
  kubernetes::Pod made;
  made.uid = "uid-" + name;
  made.namespace_name = "shop";
  made.name = name;
  made.node = "n1";
  made.labels = {{"app", "frontend"}};
  made.owner_kind = "ReplicaSet";
  made.owner_name = "frontend";
  made.phase = "Pending";
  made.containers = {container()};
  return made;
}

/// One that runs and is ready.
inline kubernetes::Pod ready_pod(const std::string& name = "frontend-7c9",
                                 const std::string& address = "10.0.3.7") {
  kubernetes::Pod made = pod(name);
  made.phase = "Running";
  made.ready = true;
  made.addresses = {address};
  made.containers[0].id = std::string(64, 'a');
  made.containers[0].state = kubernetes::Container::State::kRunning;
  made.containers[0].ready = true;
  return made;
}

inline kubernetes::Service service(const std::string& name = "frontend") {
  kubernetes::Service made;
  made.uid = "uid-" + name;
  made.namespace_name = "shop";
  made.name = name;
  made.type = "ClusterIP";
  made.addresses = {"10.96.0.5"};
  made.ports = {{"http", "TCP", 80, "8080", 0}};
  made.selector = {{"app", "frontend"}};
  return made;
}

/// A cluster whose changes a journal is told, as a watch tells them.
class Cluster {
 public:
  static constexpr std::int64_t kNow = 1'795'341'600'000'000'000;

  /// `synced`: the first lists are complete.
  explicit Cluster(bool synced = true) {
    if (synced) sync();
  }

  void sync() {
    using kubernetes::Resource;
    for (const auto resource : {Resource::kPods, Resource::kServices, Resource::kNamespaces,
                                Resource::kNode, Resource::kEvents})
      journal.on_synced(resource);
  }

  void set(const kubernetes::Pod& after) {
    const auto old = std::exchange(pods[after.uid], after);
    journal.on_pod(out, view(), old.uid.empty() ? nullptr : &old, &after, now_ns);
  }
  void remove(const kubernetes::Pod& before) {
    pods.erase(before.uid);
    journal.on_pod(out, view(), &before, nullptr, now_ns);
  }
  void set(const kubernetes::Service& after) {
    const auto old = std::exchange(services[after.uid], after);
    journal.on_service(out, view(), old.uid.empty() ? nullptr : &old, &after, now_ns);
  }
  void remove(const kubernetes::Service& before) {
    services.erase(before.uid);
    journal.on_service(out, view(), &before, nullptr, now_ns);
  }
  void set(const kubernetes::Node& after) {
    const auto old = std::exchange(node, after);
    journal.on_node(out, old.name.empty() ? nullptr : &old, &after, now_ns);
  }
  kubernetes::ClusterView view() const {
    return {pods, services, namespaces, node.name.empty() ? nullptr : &node};
  }

  /// What was told since the last call.
  std::vector<std::byte> take() { return std::exchange(out, {}); }
  std::vector<std::string> take_messages() {
    std::vector<std::string> messages;
    for (const Fields& entry : entries_of(take()))
      messages.push_back(entry.at("MESSAGE"));
    return messages;
  }
  Fields take_only() {
    const auto entries = entries_of(take());
    return entries.size() == 1 ? entries[0] : Fields{};
  }

  kubernetes::ClusterJournal journal;
  std::map<std::string, kubernetes::Pod> pods;
  std::map<std::string, kubernetes::Service> services;
  std::map<std::string, kubernetes::Namespace> namespaces;
  kubernetes::Node node;
  std::vector<std::byte> out;
  std::int64_t now_ns = kNow;
};

}  // namespace caprock::test
