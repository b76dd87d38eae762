// SPDX-License-Identifier: Apache-2.0
// Whole small files as text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace caprock {

/// The text of `file`, at most `limit` bytes. What is no regular file is refused, and never waited
/// for: a pipe would not give its text a second time. The error does not name the file.
Result<std::string> read_text(const std::filesystem::path& file, std::size_t limit);

/// Readers find the old text or the new one, whatever becomes of this process; only after a crash
/// of the host the file may be torn, as nothing is synced. FILE.new is written for it, with the
/// rights of its owner alone.
Status replace_text(const std::filesystem::path& file, std::string_view text);

}  // namespace caprock
