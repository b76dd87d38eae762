// SPDX-License-Identifier: Apache-2.0
// Follows the part of a cluster that matters to one node: its pods, the namespaces, the services,
// the node itself, and the events about these pods and the node.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "kubernetes/api_server.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

enum class Resource { kPods, kServices, kNamespaces, kNode, kEvents };

/// Told of each change, in order, after the caches have it. Of what appeared `before` is null, of
/// what is gone `after`. What a new list no longer has is told as gone.
class ClusterListener {
 public:
  virtual ~ClusterListener() = default;
  virtual void on_pod(const Pod* before, const Pod* after) = 0;
  virtual void on_service(const Service* before, const Service* after) = 0;
  virtual void on_namespace(const Namespace* before, const Namespace* after) = 0;
  virtual void on_node(const Node* before, const Node* after) = 0;
  /// Only those that come to be after the start.
  virtual void on_event(const Event& event) = 0;
  /// A list is complete, the first one or one that was made anew.
  virtual void on_synced(Resource resource) = 0;
};

struct ResourceStatus {
  std::string name;  // "pods"
  bool synced = false;
  std::string error;           // why it is not followed at the moment; empty: it is
  std::uint64_t objects = 0;   // kept now; of events: that were told
  std::uint64_t requests = 0;  // to the API server, since the start
  std::uint64_t bytes = 0;     // of their answers
  std::int64_t heard_ns = 0;   // monotonic time of the last news or bookmark; 0: never
};

/// Lists and watches, tries again with back-off for as long as it lives. Control-plane thread:
/// everything, the listener's calls too, happens on `executor`.
class ClusterWatch {
 public:
  /// `node`: name of the node whose pods are followed. `with_events`: events, too. `listener` must
  /// outlive it.
  ClusterWatch(const boost::asio::any_io_executor& executor,
               const std::shared_ptr<ApiServer>& server, const std::string& node, bool with_events,
               ClusterListener& listener);
  ~ClusterWatch();  // ends all requests; no call of the listener after it

  const std::map<std::string, Pod>& pods() const;              // by uid
  const std::map<std::string, Service>& services() const;      // by uid
  const std::map<std::string, Namespace>& namespaces() const;  // by name
  const Node* node() const;                                    // null: not known yet

  /// Whether what becomes of it is told at the moment: it is known, and nothing is wrong.
  bool follows(Resource resource) const;
  std::vector<ResourceStatus> status() const;

 private:
  class Part;
  std::shared_ptr<Part> part_;
};

}  // namespace caprock::kubernetes
