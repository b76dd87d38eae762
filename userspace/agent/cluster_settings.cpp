// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster_settings.hpp"

#include <cstdlib>
#include <utility>

#include "kubernetes/credentials.hpp"

namespace caprock::agent {

bool on_kubernetes(const config::Agent& settings) {
  if (settings.kubernetes != config::Kubernetes::kAuto)
    return settings.kubernetes == config::Kubernetes::kOn;
  return !settings.kubeconfig.empty() || std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;
}

std::string cluster_node(const config::Agent& settings, const std::string& host) {
  if (!settings.kubernetes_node.empty()) return settings.kubernetes_node;
  const char* const node = std::getenv("CAPROCK_NODE");
  return node != nullptr && *node != '\0' ? node : host;
}

Result<std::shared_ptr<kubernetes::ApiServer>> api_server(const config::Agent& settings,
                                                          const kubernetes::Times& times) {
  auto credentials = settings.kubeconfig.empty()
                         ? kubernetes::in_cluster_credentials()
                         : kubernetes::kubeconfig_credentials(settings.kubeconfig);
  if (!credentials) return std::move(credentials).error();
  return kubernetes::ApiServer::create(*std::move(credentials), times);
}

}  // namespace caprock::agent
