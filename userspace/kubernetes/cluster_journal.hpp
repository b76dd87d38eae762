// SPDX-License-Identifier: Apache-2.0
// The Kubernetes layer of the record: from changes of objects to blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kubernetes/cluster_watch.hpp"
#include "kubernetes/entry_limiter.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// What is known of the cluster at the moment. Valid as long as the watch.
struct ClusterView {
  const std::map<std::string, Pod>& pods;          // by uid
  const std::map<std::string, Service>& services;  // by uid
  const std::map<std::string, Namespace>& namespaces;
  const Node* node = nullptr;
};

struct EntryStatus {
  std::string_view type;
  EntryCounts counts;
};

/// Appends to `out` the journal entries of what it is told, each with name resolution blocks behind
/// it where addresses come to have a name: docs/formats/kubernetes.md. Of a resource that is not
/// synced yet what appears is told as being there. Times are those at which the agent learns of it;
/// they do not go back but with the wall clock. One thread, no I/O.
class ClusterJournal {
 public:
  using Blocks = std::vector<std::byte>;

  /// The layer is recorded from here on, or no more.
  void begin(Blocks& out, std::int64_t wall_ns);
  void end(Blocks& out, std::int64_t wall_ns);

  /// `view` has the change already. As ClusterListener's.
  void on_pod(Blocks& out, const ClusterView& view, const Pod* before, const Pod* after,
              std::int64_t wall_ns);
  void on_service(Blocks& out, const ClusterView& view, const Service* before, const Service* after,
                  std::int64_t wall_ns);
  void on_namespace(Blocks& out, const Namespace* before, const Namespace* after,
                    std::int64_t wall_ns);
  void on_node(Blocks& out, const Node* before, const Node* after, std::int64_t wall_ns);
  void on_event(Blocks& out, const Event& event, std::int64_t wall_ns);
  void on_synced(Resource resource) { synced_.insert(resource); }
  bool is_synced(Resource resource) const { return synced_.contains(resource); }

  /// All that is known is told again, so that a reader of a later time knows it.
  void inventory(Blocks& out, const ClusterView& view, std::int64_t wall_ns);

  /// How many entries are not in the record, where it has not been told yet. To be called now and
  /// then; each of the calls above does so first.
  void tell_suppressed(Blocks& out, std::int64_t wall_ns);

  /// Whether there is room for what comes: without it is counted as suppressed.
  void set_room(bool room) { limiter_.set_room(room); }

  /// Of every type, in the order of EntryType.
  std::vector<EntryStatus> status() const;

 private:
  EntryLimiter limiter_;
  std::set<Resource> synced_;
};

}  // namespace caprock::kubernetes
