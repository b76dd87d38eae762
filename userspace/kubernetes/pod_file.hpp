// SPDX-License-Identifier: Apache-2.0
// The pods that were known last, on disk: for an agent that starts while the API server is away.
#pragma once

#include <filesystem>
#include <vector>

#include "core/result.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// What a capture filter and a search for links need to know of the pods, in the form in which the
/// API server would list them. Replaces the file at once, or not at all.
Status write_pods(const std::filesystem::path& file, const std::vector<const Pod*>& pods);

/// Nothing where there is no file. The error names the file.
Result<std::vector<Pod>> read_pods(const std::filesystem::path& file);

}  // namespace caprock::kubernetes
