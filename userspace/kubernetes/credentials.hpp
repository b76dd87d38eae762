// SPDX-License-Identifier: Apache-2.0
// Where the API server is, and how to prove who asks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace caprock::kubernetes {

/// Texts in PEM where not said otherwise.
struct Credentials {
  std::string host;  // name or address, without brackets
  std::uint16_t port = 443;
  bool tls = true;
  std::string path;         // in front of every request's; usually empty
  std::string server_name;  // to be expected in the certificate; empty: `host`
  bool insecure = false;    // insecure-skip-tls-verify
  std::string ca;           // empty: the system's
  std::string client_certificate;
  std::string client_key;
  std::string token;                 // used where there is no token file
  std::filesystem::path token_file;  // read again as it is rotated
};

/// Those of a pod: KUBERNETES_SERVICE_HOST and _PORT, and the service account's files below
/// `folder`.
Result<Credentials> in_cluster_credentials(
    const std::filesystem::path& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

/// Those of a kubeconfig file; of its current context where `context` is empty.
Result<Credentials> kubeconfig_credentials(const std::filesystem::path& file,
                                           const std::string& context = {});

}  // namespace caprock::kubernetes
