// SPDX-License-Identifier: Apache-2.0
// What Kubernetes gives every pod to reach its API server:
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
#include <fmt/format.h>

#include <cstdlib>

#include "core/text_file.hpp"
#include "kubernetes/credentials.hpp"
#include "kubernetes/server_url.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

}  // namespace

Result<Credentials> in_cluster_credentials(const std::filesystem::path& folder) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port_text = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == 0 || port_text == nullptr)
    return Error(
        "not in a pod: KUBERNETES_SERVICE_HOST and _PORT are not set; give a kubeconfig file");
  const auto port = parse_port(port_text);
  if (!port) return port.error().context("KUBERNETES_SERVICE_PORT");
  Credentials credentials;
  credentials.host = host;
  credentials.port = *port;
  credentials.token_file = folder / "token";
  if (const auto token = read_text(credentials.token_file, kMaxFileBytes); !token)
    return Error(fmt::format("{}: {}; is automountServiceAccountToken off?",
                             credentials.token_file.string(), token.error().message()));
  auto ca = read_text(folder / "ca.crt", kMaxFileBytes);
  if (!ca) return ca.error().context((folder / "ca.crt").string());
  credentials.ca = *std::move(ca);
  return credentials;
}

}  // namespace caprock::kubernetes
