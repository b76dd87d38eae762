// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/object_json.hpp"

#include "core/quantity.hpp"
#include "kubernetes/json_fields.hpp"

namespace caprock::kubernetes {
namespace {

/// A number, or the name of a container's port.
std::string int_or_text(const Json& value) {
  return value.is_number_integer() ? std::to_string(value.get<std::int64_t>()) : text(value);
}

ServicePort parse_port(const Json& object) {
  return {.name = text(object, "name"),
          .protocol = text(object, "protocol"),
          .port = number<std::uint16_t>(object, "port"),
          .target_port = int_or_text(field(object, "targetPort")),
          .node_port = number<std::uint16_t>(object, "nodePort")};
}

/// clusterIPs is new in 1.20; a headless service says "None".
std::vector<std::string> cluster_addresses(const Json& spec) {
  std::vector<std::string> all;
  for (const auto& address : field(spec, "clusterIPs"))
    all.push_back(text(address));
  if (all.empty()) all.push_back(text(spec, "clusterIP"));
  std::erase_if(all, [](const auto& address) { return address.empty() || address == "None"; });
  return all;
}

std::vector<std::string> external_addresses(const Json& spec, const Json& status) {
  std::vector<std::string> all;
  for (const auto& address : field(spec, "externalIPs"))
    all.push_back(text(address));
  for (const auto& ingress : field(field(status, "loadBalancer"), "ingress"))
    all.push_back(text(ingress, "ip"));
  std::erase(all, "");
  return all;
}

NodeCondition parse_condition(const Json& object) {
  return {.type = text(object, "type"),
          .status = text(object, "status"),
          .reason = text(object, "reason"),
          .message = text(object, "message")};
}

/// The first of these texts that is a time; 0: none is.
std::int64_t first_time(std::initializer_list<std::string> texts) {
  for (const auto& told : texts)
    if (const auto time = parse_time(told, 0); time && !told.empty()) return *time;
  return 0;
}

}  // namespace

Service parse_service(const Json& object) {
  const auto& metadata = field(object, "metadata");
  const auto& spec = field(object, "spec");
  Service service;
  service.uid = text(metadata, "uid");
  service.namespace_name = text(metadata, "namespace");
  service.name = text(metadata, "name");
  service.type = text(spec, "type");
  service.addresses = cluster_addresses(spec);
  service.external_addresses = external_addresses(spec, field(object, "status"));
  for (const auto& port : field(spec, "ports"))
    service.ports.push_back(parse_port(port));
  service.selector = texts_by_name(field(spec, "selector"));
  service.unready_too = flag(spec, "publishNotReadyAddresses");
  return service;
}

Namespace parse_namespace(const Json& object) {
  const auto& metadata = field(object, "metadata");
  return {.name = text(metadata, "name"), .labels = texts_by_name(field(metadata, "labels"))};
}

Node parse_node(const Json& object) {
  const auto& status = field(object, "status");
  const auto& info = field(status, "nodeInfo");
  Node node;
  node.uid = text(field(object, "metadata"), "uid");
  node.name = text(field(object, "metadata"), "name");
  for (const auto& address : field(status, "addresses"))
    if (text(address, "type").ends_with("IP")) node.addresses.push_back(text(address, "address"));
  node.unschedulable = flag(field(object, "spec"), "unschedulable");
  for (const auto& condition : field(status, "conditions"))
    node.conditions.push_back(parse_condition(condition));
  node.kubelet_version = text(info, "kubeletVersion");
  node.container_runtime = text(info, "containerRuntimeVersion");
  return node;
}

Event parse_event(const Json& object) {
  const auto& about = field(object, "involvedObject");
  const auto& source = field(object, "source");
  const auto& series = field(object, "series");
  Event event;
  event.uid = text(field(object, "metadata"), "uid");
  event.object_kind = text(about, "kind");
  event.object_namespace = text(about, "namespace");
  event.object_name = text(about, "name");
  event.object_uid = text(about, "uid");
  event.type = text(object, "type");
  event.reason = text(object, "reason");
  event.message = text(object, "message");
  // Newer reporters tell themselves, and repetitions, in fields of their own.
  event.component = text(source, "component");
  if (event.component.empty()) event.component = text(object, "reportingComponent");
  event.host = text(source, "host");
  if (event.host.empty()) event.host = text(object, "reportingInstance");
  event.count = std::max(
      {1U, number<std::uint32_t>(object, "count"), number<std::uint32_t>(series, "count")});
  event.time_ns = first_time({text(series, "lastObservedTime"), text(object, "lastTimestamp"),
                              text(object, "eventTime"), text(object, "firstTimestamp")});
  return event;
}

}  // namespace caprock::kubernetes
