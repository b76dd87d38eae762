// SPDX-License-Identifier: Apache-2.0
// The DaemonSet that this agent is a pod of.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "kubernetes/api_server.hpp"
#include "kubernetes/single_request.hpp"

namespace caprock::agent {

/// Named by CAPROCK_DAEMONSET and POD_NAMESPACE in the environment. Control-plane thread.
class OwnDaemonSet {
 public:
  /// `node`: this node's name in the cluster.
  OwnDaemonSet(const config::Agent& settings, const std::string& node);

  /// Sees whether it may ask at all, as soon as the server answers; to be begun once, early.
  boost::asio::awaitable<void> look();

  /// Why no agent comes after this one on this node; empty: one may. The DaemonSet is being deleted
  /// or is gone, or has no place here any more: by the node's labels and taints as they are now.
  /// When a release is uninstalled its rights go at the same time, so that a refusal which stays
  /// says that it is gone: for a third of CAPROCK_GRACE_SECONDS, 10 s at the most, it asks on. One
  /// that was never seen may have another name, and is not gone: one may. No answer within a few
  /// seconds: one may.
  boost::asio::awaitable<std::string> why_last();

 private:
  bool can_ask();
  boost::asio::awaitable<kubernetes::Answer> get(const std::string& target);
  boost::asio::awaitable<kubernetes::Answer> ask();
  boost::asio::awaitable<kubernetes::Answer> insist();
  boost::asio::awaitable<bool> is_left_out(nlohmann::json daemon_set);

  const config::Agent settings_;
  std::shared_ptr<kubernetes::ApiServer> server_;  // null: there are no credentials yet
  std::string target_;                             // empty: it is of none
  std::string node_target_;
  bool seen_ = false;
};

}  // namespace caprock::agent
