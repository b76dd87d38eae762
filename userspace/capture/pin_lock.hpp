// SPDX-License-Identifier: Apache-2.0
// One agent per pin directory.
#pragma once

#include <filesystem>

#include "core/fd.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Held from acquire() to the end of its life, or of the process.
class PinLock {
 public:
  /// Makes the directory (0700) where it is missing. Where another agent, in this process or any
  /// other, has it: refused when `wait` is over.
  static Result<PinLock> acquire(const std::filesystem::path& directory, Nanoseconds wait);

 private:
  explicit PinLock(Fd directory) : directory_(std::move(directory)) {}

  Fd directory_;
};

}  // namespace caprock::capture
