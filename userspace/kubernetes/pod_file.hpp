// SPDX-License-Identifier: Apache-2.0
// The pods that were known last, on disk: for an agent that starts while the API server is away.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// What a capture filter and a search for links need to know of the pods (by uid), in the form in
/// which the API server would list them: the text of the file.
std::string list_text(const std::map<std::string, Pod>& pods);

/// Nothing where there is no file. The error names the file.
Result<std::vector<Pod>> read_pods(const std::filesystem::path& file);

}  // namespace caprock::kubernetes
