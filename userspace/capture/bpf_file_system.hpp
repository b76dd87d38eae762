// SPDX-License-Identifier: Apache-2.0
// The BPF file system, where programs, maps and links are pinned.
#pragma once

#include <filesystem>

#include "core/finding.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Mounts one on the parent of `pin_directory` (by default /sys/fs/bpf) unless it is in one
/// already.
Status ensure_bpf_file_system(const std::filesystem::path& pin_directory);

/// Whether anything can be pinned there: not where it is mounted read-only.
bool takes_pins(const std::filesystem::path& pin_directory);

Finding inspect_bpf_file_system(const std::filesystem::path& pin_directory);

}  // namespace caprock::capture
