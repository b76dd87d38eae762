// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/service_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "kubernetes/address_names.hpp"
#include "kubernetes/entry_text.hpp"
#include "kubernetes/pod_entries.hpp"

namespace caprock::kubernetes {
namespace {

std::string full_name(const Service& service) {
  return fmt::format("{}/{}", service.namespace_name, service.name);
}

/// "http 80/TCP to 8080, node port 30080".
std::string text_of(const ServicePort& port) {
  std::string text =
      fmt::format("{}{}{}/{}", port.name, port.name.empty() ? "" : " ", port.port, port.protocol);
  if (!port.target_port.empty()) text += fmt::format(" to {}", port.target_port);
  if (port.node_port != 0) text += fmt::format(", node port {}", port.node_port);
  return text;
}

std::string text_of(const std::vector<ServicePort>& ports) {
  std::string text;
  for (const ServicePort& port : ports)
    text += (text.empty() ? "" : "; ") + text_of(port);
  return text;
}

std::string summary_of(const Service& service) {
  std::string text = service.type;
  const std::string addresses = joined(service.addresses);
  if (!addresses.empty()) text += ' ' + addresses;
  const std::string external = joined(service.external_addresses);
  if (!external.empty()) text += ", from outside " + external;
  const std::string ports = text_of(service.ports);
  if (!ports.empty()) text += ", " + ports;
  if (service.unready_too) text += ", of pods that are not ready, too";
  return text;
}

/// Its name has these addresses from then on.
Entry service_entry(EntryType type, const Service& service, std::string_view message) {
  Entry entry(type);
  entry.say(fmt::format("service {} {}", full_name(service), message));
  const AddressNames names = names_of(service);
  entry.field("CAPROCK_NAMESPACE", service.namespace_name)
      .field("CAPROCK_SERVICE", service.name)
      .field("CAPROCK_NAME", names.name)
      .field("CAPROCK_ADDRESSES", joined(names.addresses))
      .field("CAPROCK_EXTERNAL_ADDRESSES", joined(service.external_addresses))
      .field("CAPROCK_SERVICE_TYPE", service.type)
      .field("CAPROCK_PORTS", text_of(service.ports))
      .field("CAPROCK_SELECTOR", kubernetes::text_of(service.selector));
  return entry;
}

/// Whether the service, which selects it, sends traffic to it.
bool serves(const Pod& pod, const Service& service) {
  if (pod.addresses.empty() || pod.phase == "Succeeded" || pod.phase == "Failed") return false;
  return service.unready_too || (pod.ready && !pod.deleting && pod.phase == "Running");
}

/// One without a selector has endpoints that somebody else makes.
bool selects(const Service& service, const Pod& pod) {
  if (service.selector.empty() || service.namespace_name != pod.namespace_name) return false;
  return std::ranges::all_of(service.selector, [&](const auto& wanted) {
    const auto label = pod.labels.find(wanted.first);
    return label != pod.labels.end() && label->second == wanted.second;
  });
}

/// Nothing that decides about endpoints is different.
bool same_to_services(const Pod& a, const Pod& b) {
  return a.ready == b.ready && a.deleting == b.deleting && a.phase == b.phase &&
         a.addresses.empty() == b.addresses.empty() && a.labels == b.labels;
}

bool stands_behind(const Pod* pod, const Service* service) {
  return pod != nullptr && service != nullptr && selects(*service, *pod) && serves(*pod, *service);
}

void write_endpoint(EntryWriter& out, const Service& service, const Pod& pod, bool ready) {
  Entry entry(ready ? EntryType::kEndpointReady : EntryType::kEndpointGone);
  const std::string addresses = joined(pod.addresses);
  const char* const state = !ready ? "gone" : pod.ready ? "ready" : "there, though not ready";
  entry.say(fmt::format("service {}: endpoint {} of pod {} is {}", full_name(service), addresses,
                        kubernetes::full_name(pod), state));
  add_pod(entry, pod).field("CAPROCK_SERVICE", service.name).field("CAPROCK_ENDPOINTS", addresses);
  out.add(entry);
}

}  // namespace

void write_service(EntryWriter& out, const Service& service, const Pods& pods) {
  std::vector<std::string> endpoints;
  for (const auto& [uid, pod] : pods) {
    if (stands_behind(&pod, &service))
      endpoints.insert(endpoints.end(), pod.addresses.begin(), pod.addresses.end());
  }
  Entry entry =
      service_entry(EntryType::kService, service, fmt::format("is there: {}", summary_of(service)));
  entry.field("CAPROCK_ENDPOINTS", joined(endpoints));
  out.add(entry);
}

void write_service_changes(EntryWriter& out, const Service* before, const Service* after) {
  if (after == nullptr) {
    Service gone = *before;
    gone.addresses.clear();
    return out.add(service_entry(EntryType::kServiceRemoved, gone, "is gone"));
  }
  const EntryType type =
      before == nullptr ? EntryType::kServiceCreated : EntryType::kServiceChanged;
  out.add(service_entry(type, *after,
                        fmt::format("{}: {}", before == nullptr ? "was created" : "has changed",
                                    summary_of(*after))));
}

void write_endpoint_changes(EntryWriter& out, const Service* before, const Service* after,
                            const Pods& pods) {
  const bool same = before != nullptr && after != nullptr && before->selector == after->selector &&
                    before->unready_too == after->unready_too;
  if (after == nullptr || same) return;
  for (const auto& [uid, pod] : pods) {
    const bool ready = stands_behind(&pod, after);
    if (ready != stands_behind(&pod, before)) write_endpoint(out, *after, pod, ready);
  }
}

void write_endpoint_changes(EntryWriter& out, const Pod* before, const Pod* after,
                            const Services& services) {
  if (before != nullptr && after != nullptr && same_to_services(*before, *after)) return;
  for (const auto& [uid, service] : services) {
    const bool ready = stands_behind(after, &service);
    if (ready == stands_behind(before, &service)) continue;
    write_endpoint(out, service, ready ? *after : *before, ready);
  }
}

}  // namespace caprock::kubernetes
