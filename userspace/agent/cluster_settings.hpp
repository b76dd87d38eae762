// SPDX-License-Identifier: Apache-2.0
// Whether this host is a node of a cluster, and how to ask that cluster.
#pragma once

#include <string>

#include "config/config.hpp"
#include "core/result.hpp"
#include "kubernetes/credentials.hpp"

namespace caprock::agent {

/// Whether pods are to be followed at all.
bool on_kubernetes(const config::Agent& settings);

/// Name of this node in the cluster.
std::string cluster_node(const config::Agent& settings, const std::string& host);

/// How to ask the API server.
Result<kubernetes::Credentials> api_credentials(const config::Agent& settings);

}  // namespace caprock::agent
