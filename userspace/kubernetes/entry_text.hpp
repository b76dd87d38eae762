// SPDX-License-Identifier: Apache-2.0
// Words of the entries of the Kubernetes layer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// "10.0.3.7 fd00::7".
std::string joined(const std::vector<std::string>& texts);

/// "app=frontend,tier=web".
std::string text_of(const Labels& labels);

/// "ReplicaSet/frontend-7c9d"; empty: nobody owns the pod.
std::string owner_of(const Pod& pod);

/// ": OOMKilled: the container was killed", as far as there is anything.
std::string described(std::string_view reason, std::string_view message);

}  // namespace caprock::kubernetes
