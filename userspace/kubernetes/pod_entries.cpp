// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/pod_entries.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kubernetes/address_names.hpp"
#include "kubernetes/container_entries.hpp"
#include "kubernetes/entry_text.hpp"

namespace caprock::kubernetes {
namespace {

using pcapng::Priority;

/// Every entry about the pod as a whole says which addresses have its name from then on.
Entry pod_entry(EntryType type, const Pod& pod, std::string_view message,
                Priority priority = Priority::kInformation) {
  Entry entry(type, priority);
  entry.say(fmt::format("pod {} {}", full_name(pod), message));
  const AddressNames names = names_of(pod);
  add_pod(entry, pod)
      .field("CAPROCK_NAME", names.name)
      .field("CAPROCK_ADDRESSES", joined(names.addresses))
      .field("CAPROCK_HOST_NETWORK", pod.host_network ? "1" : "")
      .field("CAPROCK_NODE", pod.node)
      .field("CAPROCK_OWNER", owner_of(pod));
  return entry;
}

std::string because(const Pod& pod) {
  return described(pod.reason, pod.message);
}

Entry ended_entry(EntryType type, const Pod& pod, std::string_view what, Priority priority) {
  Entry entry = pod_entry(type, pod, fmt::format("{}{}", what, because(pod)), priority);
  entry.field("CAPROCK_REASON", pod.reason).field("CAPROCK_DETAIL", pod.message);
  return entry;
}

std::string containers_of(const Pod& pod) {
  std::string text;
  for (const Container& container : pod.containers) {
    if (!container.id.empty())
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", container.name, container.id);
  }
  return text;
}

void write_scheduled(EntryWriter& out, const Pod& pod) {
  Entry entry =
      pod_entry(EntryType::kPodScheduled, pod, fmt::format("was scheduled to node {}", pod.node));
  entry.field("CAPROCK_LABELS", text_of(pod.labels));
  out.add(entry);
}

/// By a drain, for a pod of more importance, off a taint, by its kubelet.
void write_eviction(EntryWriter& out, const Pod& before, const Pod& after) {
  if (after.eviction.empty() || before.eviction == after.eviction) return;
  Entry entry = pod_entry(
      EntryType::kPodEvicting, after,
      fmt::format("is being evicted{}", described(after.eviction, after.eviction_message)),
      Priority::kWarning);
  entry.field("CAPROCK_REASON", after.eviction).field("CAPROCK_DETAIL", after.eviction_message);
  out.add(entry);
}

void write_address(EntryWriter& out, const Pod& before, const Pod& after) {
  if (before.addresses == after.addresses || after.addresses.empty()) return;
  if (names_of(after).addresses.empty() && !after.host_network) return;
  out.add(pod_entry(
      EntryType::kPodAddress, after,
      fmt::format("has {} {}{}", after.addresses.size() == 1 ? "address" : "addresses",
                  fmt::join(after.addresses, " "), after.host_network ? ", the node's" : "")));
}

void write_phase(EntryWriter& out, const Pod& before, const Pod& after) {
  if (before.phase == after.phase) return;
  if (after.phase == "Succeeded")
    return out.add(
        ended_entry(EntryType::kPodCompleted, after, "has completed", Priority::kInformation));
  if (after.phase != "Failed") return;
  if (after.reason == "Evicted")
    return out.add(ended_entry(EntryType::kPodEvicted, after, "was evicted", Priority::kWarning));
  out.add(ended_entry(EntryType::kPodFailed, after, "has failed", Priority::kWarning));
}

void write_ready(EntryWriter& out, const Pod& before, const Pod& after) {
  if (before.ready == after.ready) return;
  out.add(after.ready ? pod_entry(EntryType::kPodReady, after, "is ready")
                      : pod_entry(EntryType::kPodNotReady, after, "is not ready any more",
                                  Priority::kNotice));
}

}  // namespace

std::string full_name(const Pod& pod) {
  return fmt::format("{}/{}", pod.namespace_name, pod.name);
}

Entry& add_pod(Entry& entry, const Pod& pod) {
  return entry.field("CAPROCK_NAMESPACE", pod.namespace_name)
      .field("CAPROCK_POD", pod.name)
      .field("CAPROCK_POD_UID", pod.uid);
}

void write_pod(EntryWriter& out, const Pod& pod) {
  Entry entry = pod_entry(EntryType::kPod, pod,
                          fmt::format("is there: {}{}{}{}", pod.phase, pod.ready ? ", ready" : "",
                                      pod.addresses.empty() ? "" : ", ", joined(pod.addresses)));
  entry.field("CAPROCK_PHASE", pod.phase)
      .field("CAPROCK_CONTAINERS", containers_of(pod))
      .field("CAPROCK_LABELS", text_of(pod.labels));
  out.add(entry);
}

void write_pod_changes(EntryWriter& out, const Pod* before, const Pod* after) {
  if (after == nullptr) {
    Pod gone = *before;
    gone.addresses.clear();
    return out.add(pod_entry(EntryType::kPodRemoved, gone, "is gone"));
  }
  const Pod none;
  if (before == nullptr) write_scheduled(out, *after);
  const Pod& old = before == nullptr ? none : *before;
  write_eviction(out, old, *after);
  if (!old.deleting && after->deleting)
    out.add(pod_entry(EntryType::kPodDeleting, *after, "is being deleted", Priority::kNotice));
  write_address(out, old, *after);
  write_container_changes(out, old, *after);
  write_ready(out, old, *after);
  write_phase(out, old, *after);
}

}  // namespace caprock::kubernetes
