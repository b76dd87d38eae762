// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/cluster_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kubernetes/address_names.hpp"
#include "kubernetes/entry_text.hpp"

namespace caprock::kubernetes {
namespace {

using pcapng::Priority;

/// Its name has these addresses from then on.
Entry node_entry(EntryType type, const Node& node, std::string_view message,
                 Priority priority = Priority::kNotice) {
  Entry entry(type, priority);
  entry.say(fmt::format("node {} {}", node.name, message));
  entry.field("CAPROCK_NODE", node.name)
      .field("CAPROCK_NAME", names_of(node).name)
      .field("CAPROCK_ADDRESSES", joined(node.addresses));
  return entry;
}

std::string conditions_of(const Node& node) {
  std::string text;
  for (const NodeCondition& condition : node.conditions)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", condition.type, condition.status);
  return text;
}

/// A node is to be ready, and to have no other condition.
bool is_well(const NodeCondition& condition) {
  return condition.status == (condition.type == "Ready" ? "True" : "False");
}

void write_condition(EntryWriter& out, const Node& node, const NodeCondition& condition) {
  Entry entry = node_entry(EntryType::kNodeCondition, node,
                           fmt::format("has condition {} {}{}", condition.type, condition.status,
                                       described(condition.reason, condition.message)),
                           is_well(condition) ? Priority::kNotice : Priority::kWarning);
  entry.field("CAPROCK_CONDITIONS", fmt::format("{}={}", condition.type, condition.status))
      .field("CAPROCK_REASON", condition.reason)
      .field("CAPROCK_DETAIL", condition.message);
  out.add(entry);
}

/// Kubelets renew their messages.
bool is_same(const NodeCondition& a, const NodeCondition& b) {
  return a.type == b.type && a.status == b.status && a.reason == b.reason;
}

std::string lower(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

std::string object_of(const Event& event) {
  const std::string kind = lower(event.object_kind);
  if (event.object_namespace.empty()) return fmt::format("{} {}", kind, event.object_name);
  return fmt::format("{} {}/{}", kind, event.object_namespace, event.object_name);
}

}  // namespace

void write_node(EntryWriter& out, const Node& node) {
  Entry entry = node_entry(
      EntryType::kNode, node,
      fmt::format("is there: {}{}", joined(node.addresses), node.unschedulable ? ", cordoned" : ""),
      Priority::kInformation);
  entry.field("CAPROCK_CONDITIONS", conditions_of(node))
      .field("CAPROCK_KUBELET", node.kubelet_version)
      .field("CAPROCK_RUNTIME", node.container_runtime);
  out.add(entry);
}

void write_node_changes(EntryWriter& out, const Node& before, const Node& after) {
  if (before.addresses != after.addresses)
    out.add(node_entry(EntryType::kNodeChanged, after,
                       fmt::format("has addresses {}", joined(after.addresses))));
  if (before.unschedulable != after.unschedulable)
    out.add(after.unschedulable
                ? node_entry(EntryType::kNodeCordoned, after, "was cordoned")
                : node_entry(EntryType::kNodeUncordoned, after, "takes new pods again"));
  for (const NodeCondition& condition : after.conditions) {
    const bool known = std::ranges::any_of(
        before.conditions, [&](const NodeCondition& old) { return is_same(old, condition); });
    if (!known) write_condition(out, after, condition);
  }
}

void write_namespace(EntryWriter& out, EntryType type, const Namespace& of) {
  const char* const what = type == EntryType::kNamespaceCreated   ? "was created"
                           : type == EntryType::kNamespaceRemoved ? "is gone"
                                                                  : "is there";
  Entry entry(type);
  entry.say(fmt::format("namespace {} {}", of.name, what))
      .field("CAPROCK_NAMESPACE", of.name)
      .field("CAPROCK_LABELS", text_of(of.labels));
  out.add(entry);
}

void write_event(EntryWriter& out, const Event& event) {
  constexpr std::int64_t kNsPerUs = 1000;
  Entry entry(EntryType::kEvent,
              event.type == "Warning" ? Priority::kWarning : Priority::kInformation);
  entry.say(fmt::format("{} about {}{}{}", event.component.empty() ? "Kubernetes" : event.component,
                        object_of(event), described(event.reason, event.message),
                        event.count > 1 ? fmt::format(" ({} times)", event.count) : ""));
  const bool of_pod = event.object_kind == "Pod";
  entry.field("CAPROCK_NAMESPACE", event.object_namespace)
      .field("CAPROCK_POD", of_pod ? event.object_name : "")
      .field("CAPROCK_POD_UID", of_pod ? event.object_uid : "")
      .field("CAPROCK_OBJECT", fmt::format("{}/{}", event.object_kind, event.object_name))
      .field("CAPROCK_EVENT_TYPE", event.type)
      .field("CAPROCK_REASON", event.reason)
      .field("CAPROCK_DETAIL", event.message)
      .field("CAPROCK_COMPONENT", event.component)
      .field("CAPROCK_COUNT", fmt::to_string(event.count))
      .field("CAPROCK_OCCURRED_US",
             event.time_ns == 0 ? "" : fmt::to_string(event.time_ns / kNsPerUs));
  out.add(entry);
}

}  // namespace caprock::kubernetes
