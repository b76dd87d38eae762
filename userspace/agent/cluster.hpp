// SPDX-License-Identifier: Apache-2.0
// The cluster as this node sees it: followed, remembered, and told to the record.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/file_writer.hpp"
#include "api/targets.hpp"
#include "config/config.hpp"
#include "kubernetes/cluster_journal.hpp"
#include "kubernetes/cluster_watch.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::agent {

using PodMap = std::map<std::string, kubernetes::Pod>;  // by uid

/// Knows the pods of this node: until the API server has told them, those that an agent before
/// knew. Whatever is wrong with the API server is in the status, and tried again. Control-plane
/// thread.
class Cluster final : public kubernetes::ClusterListener {
 public:
  /// `journal` is told of every change; both it and `pods_changed` are called on the thread of
  /// follow().
  Cluster(const config::Agent& settings, std::string node, kubernetes::ClusterListener& journal,
          std::function<void()> pods_changed);
  ~Cluster() override;

  /// Returns when it is followed: as soon as there are credentials that may be right. To be begun
  /// once.
  boost::asio::awaitable<void> follow();

  const PodMap& pods() const;

  /// The pods are those that the API server told.
  bool synced() const { return synced_; }
  /// What comes and goes of them is told at once: the API server is there.
  bool follows_pods() const;
  /// It began with those of an agent before.
  bool remembers() const { return remembers_; }

  /// What the API server has told; only once it is followed.
  kubernetes::ClusterView view() const;

  const std::string& node() const { return node_; }
  std::vector<api::WatchedResource> resources() const;
  std::vector<std::string> notes() const;

  /// Has what is known written down, where that has changed. Call it now and then.
  void remember();
  /// The same, and waits until it is on file: at the end.
  void remember_last();

 private:
  void on_pod(const kubernetes::Pod* before, const kubernetes::Pod* after) override;
  void on_service(const kubernetes::Service* before, const kubernetes::Service* after) override;
  void on_namespace(const kubernetes::Namespace* before,
                    const kubernetes::Namespace* after) override;
  void on_node(const kubernetes::Node* before, const kubernetes::Node* after) override;
  void on_event(const kubernetes::Event& event) override;
  void on_synced(kubernetes::Resource resource) override;
  void recall();
  void check_memory();

  const config::Agent settings_;
  const std::string node_;
  FileWriter memory_;  // of the pods
  kubernetes::ClusterListener& journal_;
  const std::function<void()> pods_changed_;
  PodMap remembered_;
  bool remembers_ = false;
  bool synced_ = false;
  bool changed_ = false;                             // since it was written down
  std::string trouble_;                              // why nothing is followed
  std::unique_ptr<kubernetes::ClusterWatch> watch_;  // null: nothing is
};

}  // namespace caprock::agent
