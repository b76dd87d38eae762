// SPDX-License-Identifier: Apache-2.0
// Values of Kubeshark's Helm chart that caprock has no use for. A values file may have them: they
// are passed over, and told.
#pragma once

#include <span>
#include <string_view>

namespace caprock::config {

/// Their paths, "license", "tap.docker", in the order of the alphabet.
std::span<const std::string_view> ignored_keys();

/// Whether the path is one of them, or below one.
bool is_ignored(std::string_view path);

}  // namespace caprock::config
