// SPDX-License-Identifier: Apache-2.0
// Whether this host is a node of a cluster, and how to ask that cluster.
#pragma once

#include <memory>
#include <string>

#include "config/config.hpp"
#include "core/result.hpp"
#include "kubernetes/api_server.hpp"
#include "kubernetes/times.hpp"

namespace caprock::agent {

/// Whether pods are to be followed at all.
bool on_kubernetes(const config::Agent& settings);

/// Name of this node in the cluster.
std::string cluster_node(const config::Agent& settings, const std::string& host);

/// Whom to ask, by the credentials as they are now: files may come, or become right, later.
Result<std::shared_ptr<kubernetes::ApiServer>> api_server(const config::Agent& settings,
                                                          const kubernetes::Times& times = {});

}  // namespace caprock::agent
