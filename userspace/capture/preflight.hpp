// SPDX-License-Identifier: Apache-2.0
// The capture's part of `caprock doctor` and of the status: what this host offers and lacks.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/finding.hpp"

namespace caprock::capture {

struct PreflightOptions {
  std::filesystem::path pin_directory;  // empty: no pins wanted
  std::uint64_t stage_bytes = 0;
};

/// Looks and changes nothing. What only a privileged process can find out is left out for others.
Findings preflight(const PreflightOptions& options);

}  // namespace caprock::capture
