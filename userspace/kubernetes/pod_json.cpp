// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/json_fields.hpp"
#include "kubernetes/object_json.hpp"

namespace caprock::kubernetes {
namespace {

/// "containerd://0123…" without what is in front.
std::string container_id(const std::string& url) {
  constexpr std::string_view kScheme = "://";
  const auto at = url.find(kScheme);
  return at == url.npos ? url : url.substr(at + kScheme.size());
}

void take_state(const Json& state, Container& container) {
  const auto& waiting = field(state, "waiting");
  const auto& terminated = field(state, "terminated");
  if (field(state, "running").is_object()) container.state = Container::State::kRunning;
  if (terminated.is_object()) container.state = Container::State::kTerminated;
  const auto& told = terminated.is_object() ? terminated : waiting;
  container.reason = text(told, "reason");
  container.message = text(told, "message");
  container.exit_code = number<std::int32_t>(terminated, "exitCode");
}

Container parse_container(const Json& status, bool init) {
  Container container;
  container.name = text(status, "name");
  container.id = container_id(text(status, "containerID"));
  container.image = text(status, "image");
  container.init = init;
  container.ready = flag(status, "ready");
  container.restarts = number<std::uint32_t>(status, "restartCount");
  take_state(field(status, "state"), container);
  const auto& last = field(field(status, "lastState"), "terminated");
  container.last_end_reason = text(last, "reason");
  container.last_end_code = number<std::int32_t>(last, "exitCode");
  return container;
}

std::vector<Container> containers(const Json& status) {
  std::vector<Container> all;
  for (const char* kind :
       {"initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"})
    for (const auto& container : field(status, kind))
      all.push_back(parse_container(container, kind == std::string_view("initContainerStatuses")));
  return all;
}

std::vector<std::string> addresses(const Json& status) {
  std::vector<std::string> all;
  for (const auto& address : field(status, "podIPs"))
    all.push_back(text(address, "ip"));
  if (all.empty()) all.push_back(text(status, "podIP"));
  std::erase(all, "");
  return all;
}

Labels own_annotations(const Json& metadata) {
  Labels all = texts_by_name(field(metadata, "annotations"));
  std::erase_if(all, [](const auto& entry) { return !entry.first.starts_with("caprock.io/"); });
  return all;
}

/// Anybody may write the hash alone into a pod of his.
std::string static_uid(const Json& annotations) {
  return text(annotations, kMirror).empty() ? std::string() : text(annotations, kConfigHash);
}

void take_owner(const Json& metadata, Pod& pod) {
  for (const auto& owner : field(metadata, "ownerReferences")) {
    if (!flag(owner, "controller")) continue;
    pod.owner_kind = text(owner, "kind");
    pod.owner_name = text(owner, "name");
  }
}

void take_conditions(const Json& status, Pod& pod) {
  for (const auto& condition : field(status, "conditions")) {
    if (text(condition, "status") != "True") continue;
    const std::string type = text(condition, "type");
    if (type == "Ready") pod.ready = true;
    if (type != "DisruptionTarget") continue;  // since 1.25
    pod.eviction = text(condition, "reason");
    pod.eviction_message = text(condition, "message");
  }
}

}  // namespace

Pod parse_pod(const Json& object) {
  const auto& metadata = field(object, "metadata");
  const auto& spec = field(object, "spec");
  const auto& status = field(object, "status");
  Pod pod;
  pod.uid = text(metadata, "uid");
  pod.static_uid = static_uid(field(metadata, "annotations"));
  pod.namespace_name = text(metadata, "namespace");
  pod.name = text(metadata, "name");
  pod.node = text(spec, "nodeName");
  pod.labels = texts_by_name(field(metadata, "labels"));
  pod.annotations = own_annotations(metadata);
  take_owner(metadata, pod);
  pod.host_network = flag(spec, "hostNetwork");
  pod.phase = text(status, "phase");
  pod.reason = text(status, "reason");
  pod.message = text(status, "message");
  pod.addresses = addresses(status);
  pod.host_address = text(status, "hostIP");
  take_conditions(status, pod);
  pod.deleting = field(metadata, "deletionTimestamp").is_string();
  pod.containers = containers(status);
  return pod;
}

}  // namespace caprock::kubernetes
