// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/cluster_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "kubernetes/address_names.hpp"
#include "kubernetes/cluster_entries.hpp"
#include "kubernetes/entry.hpp"
#include "kubernetes/pod_entries.hpp"
#include "kubernetes/service_entries.hpp"
#include "pcapng/note.hpp"

namespace caprock::kubernetes {
namespace {

void write_border(EntryWriter& out, EntryType type, std::string_view message) {
  Entry entry(type, pcapng::Priority::kNotice);
  out.add(entry.say(message));
}

/// Where addresses have come to have a name.
template <class Object>
void write_new_names(std::vector<std::byte>& out, const Object* before, const Object* after) {
  if (after == nullptr) return;
  const AddressNames names = names_of(*after);
  if (before == nullptr || names_of(*before) != names) write_names(out, {&names, 1});
}

bool is_held(const std::string& address, const std::map<std::string, Pod>& pods) {
  return std::ranges::any_of(pods, [&](const auto& entry) {
    const Pod& pod = entry.second;
    return !pod.host_network && !has_ended(pod) &&
           std::ranges::find(pod.addresses, address) != pod.addresses.end();
  });
}

/// Of one that takes no longer than its kubelet takes to tell of it, as a job may, addresses and
/// end come at once: how it was before its end. Nothing where they are another one's by now.
std::optional<Pod> before_its_end(const Pod* before, const Pod& after,
                                  const std::map<std::string, Pod>& pods) {
  const bool is_known = before != nullptr && (has_ended(*before) || !before->addresses.empty());
  if (is_known || after.host_network || !has_ended(after)) return std::nullopt;
  Pod pod = after;
  pod.phase = before == nullptr ? "Pending" : before->phase;
  std::erase_if(pod.addresses, [&](const auto& address) { return is_held(address, pods); });
  return pod.addresses.empty() ? std::nullopt : std::optional(std::move(pod));
}

/// The address of one that is being deleted may be another one's already: the name told last
/// counts.
std::vector<const Pod*> in_order_of_names(const std::map<std::string, Pod>& pods) {
  std::vector<const Pod*> all;
  for (const auto& [uid, pod] : pods)
    all.push_back(&pod);
  std::ranges::stable_partition(all, [](const Pod* pod) { return pod->deleting; });
  return all;
}

}  // namespace

void ClusterJournal::begin(Blocks& out, std::int64_t wall_ns) {
  EntryWriter writer(out, limiter_, wall_ns);
  write_border(writer, EntryType::kBegin,
               "what happens in the Kubernetes cluster is recorded from here on");
}

void ClusterJournal::end(Blocks& out, std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  write_border(writer, EntryType::kEnd,
               "what happens in the Kubernetes cluster is not recorded any more");
}

void ClusterJournal::on_pod(Blocks& out, const ClusterView& view, const Pod* before,
                            const Pod* after, std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  if (before == nullptr && !is_synced(Resource::kPods)) {
    write_pod(writer, *after);
    return write_new_names(out, before, after);
  }
  const auto alive = after == nullptr ? std::nullopt : before_its_end(before, *after, view.pods);
  if (alive) write_pod_changes(writer, before, &*alive);
  write_pod_changes(writer, alive ? &*alive : before, after);
  write_endpoint_changes(writer, before, after, view.services);
  write_new_names(out, before, alive ? &*alive : after);
}

void ClusterJournal::on_service(Blocks& out, const ClusterView& view, const Service* before,
                                const Service* after, std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  if (before == nullptr && !is_synced(Resource::kServices)) {
    write_service(writer, *after, view.pods);
  } else {
    write_service_changes(writer, before, after);
    write_endpoint_changes(writer, before, after, view.pods);
  }
  write_new_names(out, before, after);
}

void ClusterJournal::on_namespace(Blocks& out, const Namespace* before, const Namespace* after,
                                  std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  if (after == nullptr) {
    write_namespace(writer, EntryType::kNamespaceRemoved, *before);
  } else if (before == nullptr) {
    write_namespace(
        writer,
        is_synced(Resource::kNamespaces) ? EntryType::kNamespaceCreated : EntryType::kNamespace,
        *after);
  }
}

void ClusterJournal::on_node(Blocks& out, const Node* before, const Node* after,
                             std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  if (after == nullptr) return;
  if (before == nullptr)
    write_node(writer, *after);
  else
    write_node_changes(writer, *before, *after);
  write_new_names(out, before, after);
}

void ClusterJournal::on_event(Blocks& out, const Event& event, std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  write_event(writer, event);
}

void ClusterJournal::inventory(Blocks& out, const ClusterView& view, std::int64_t wall_ns) {
  tell_suppressed(out, wall_ns);
  EntryWriter writer(out, limiter_, wall_ns);
  write_border(writer, EntryType::kInventory,
               fmt::format("what is known of the Kubernetes cluster follows: {} pods, {} services, "
                           "{} namespaces",
                           view.pods.size(), view.services.size(), view.namespaces.size()));
  std::vector<AddressNames> names;
  if (view.node != nullptr) {
    write_node(writer, *view.node);
    names.push_back(names_of(*view.node));
  }
  for (const auto& [name, of] : view.namespaces)
    write_namespace(writer, EntryType::kNamespace, of);
  for (const Pod* pod : in_order_of_names(view.pods)) {
    write_pod(writer, *pod);
    names.push_back(names_of(*pod));
  }
  for (const auto& [uid, service] : view.services) {
    write_service(writer, service, view.pods);
    names.push_back(names_of(service));
  }
  write_names(out, names);
}

void ClusterJournal::tell_suppressed(Blocks& out, std::int64_t wall_ns) {
  for (const auto& [type, entries] : limiter_.take_untold(wall_ns)) {
    const std::string count = fmt::to_string(entries);
    const std::array fields{pcapng::JournalField{"CAPROCK_LAYER", "kubernetes"},
                            pcapng::JournalField{"CAPROCK_EVENT", name_of(type)},
                            pcapng::JournalField{"CAPROCK_SUPPRESSED", count}};
    pcapng::write_note(
        out, wall_ns,
        fmt::format("{} events \"{}\" are not in the record: more came than it takes", count,
                    name_of(type)),
        fields);
  }
}

std::vector<EntryStatus> ClusterJournal::status() const {
  std::vector<EntryStatus> all;
  for (std::size_t type = 0; type < kEntryTypes; ++type)
    all.push_back({kEntryNames[type], limiter_.counts()[type]});
  return all;
}

}  // namespace caprock::kubernetes
