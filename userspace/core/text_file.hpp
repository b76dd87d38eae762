// SPDX-License-Identifier: Apache-2.0
// Whole small files as text.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace caprock {

/// The text of `file`, at most `limit` bytes. What is no regular file is refused, and never waited
/// for: a pipe would not give its text a second time. The error does not name the file.
Result<std::string> read_text(const std::filesystem::path& file, std::size_t limit);

}  // namespace caprock
