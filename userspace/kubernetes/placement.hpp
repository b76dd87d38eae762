// SPDX-License-Identifier: Apache-2.0
// Whether a DaemonSet has a place on a node.
#pragma once

#include <nlohmann/json.hpp>

namespace caprock::kubernetes {

/// By the node selector, the required node affinity and the tolerations of the DaemonSet's
/// template, as its controller decides it. In doubt it has: where the affinity has an operator
/// other than In, NotIn, Exists and DoesNotExist, and of taints that come and go with the node's
/// state (node.kubernetes.io/…). Both objects are as the API server writes them.
bool has_place(const nlohmann::json& daemon_set, const nlohmann::json& node);

}  // namespace caprock::kubernetes
