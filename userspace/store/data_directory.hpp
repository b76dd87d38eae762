// SPDX-License-Identifier: Apache-2.0
// The directory that holds the ring.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace caprock::store {

/// Makes it, 0700, where it is missing, and refuses it where no ring can live. `notes`: what is
/// worth saying about it.
Status prepare_data_directory(const std::filesystem::path& directory,
                              std::vector<std::string>& notes);

}  // namespace caprock::store
