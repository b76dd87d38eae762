// SPDX-License-Identifier: Apache-2.0
// The directory that holds the ring.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace caprock::store {

/// Makes it, 0700, where it is missing, and refuses it where no ring can live. `notes`: what is
/// worth saying about it.
Status prepare_data_directory(const std::filesystem::path& directory,
                              std::vector<std::string>& notes);

/// Refuses a ring of `wanted` bytes that does not fit beside what the disk holds; `path` may be a
/// ring already.
Status check_space(const std::filesystem::path& path, std::uint64_t wanted);

}  // namespace caprock::store
