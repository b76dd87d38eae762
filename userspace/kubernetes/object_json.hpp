// SPDX-License-Identifier: Apache-2.0
// Objects of core/v1 as the API server writes them:
// https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.30/
#pragma once

#include <nlohmann/json.hpp>

#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// Annotations of the object that stands for a static pod, and has a uid of its own: that it is one
/// (a "mirror pod"), and the uid by which the kubelet goes.
constexpr const char* kMirror = "kubernetes.io/config.mirror";
constexpr const char* kConfigHash = "kubernetes.io/config.hash";

Pod parse_pod(const nlohmann::json& object);
Service parse_service(const nlohmann::json& object);
Namespace parse_namespace(const nlohmann::json& object);
Node parse_node(const nlohmann::json& object);
Event parse_event(const nlohmann::json& object);

}  // namespace caprock::kubernetes
