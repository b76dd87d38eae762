// SPDX-License-Identifier: Apache-2.0
// Objects of core/v1 as the API server writes them:
// https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.30/
#pragma once

#include <nlohmann/json.hpp>

#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

Pod parse_pod(const nlohmann::json& object);
Service parse_service(const nlohmann::json& object);
Namespace parse_namespace(const nlohmann::json& object);
Node parse_node(const nlohmann::json& object);
Event parse_event(const nlohmann::json& object);

}  // namespace caprock::kubernetes
