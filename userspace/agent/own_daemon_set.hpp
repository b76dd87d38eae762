// SPDX-License-Identifier: Apache-2.0
// The DaemonSet that this agent is a pod of.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "config/config.hpp"
#include "kubernetes/api_server.hpp"

namespace caprock::agent {

/// Named by CAPROCK_DAEMONSET and POD_NAMESPACE in the environment. Control-plane thread.
class OwnDaemonSet {
 public:
  explicit OwnDaemonSet(const config::Agent& settings);

  /// Sees whether it may ask at all, as soon as the server answers; to be begun once, early.
  boost::asio::awaitable<void> look();

  /// Whether it is being deleted, or is gone: then no agent comes after this one. When a release is
  /// uninstalled its rights go at the same time, so that a refusal says the same, where there was
  /// none before. No answer within a few seconds: no.
  boost::asio::awaitable<bool> is_going();

 private:
  /// The answer's status; 0: there is none.
  boost::asio::awaitable<unsigned> ask();

  std::shared_ptr<kubernetes::ApiServer> server_;  // null: it is of none, or cannot ask
  std::string target_;
  bool deleting_ = false;  // as of the last answer
  bool seen_ = false;
};

}  // namespace caprock::agent
