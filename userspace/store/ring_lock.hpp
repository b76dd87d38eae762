// SPDX-License-Identifier: Apache-2.0
// One recorder per ring: a lock file beside it that names its holder.
#pragma once

#include <filesystem>

#include "core/fd.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"

namespace caprock::store {

/// Held from acquire() to the end of its life, or of the process. The file stays: it is the lock on
/// it that counts.
class RingLock {
 public:
  /// Where another recorder, in this process or any other, has the ring: refused with its pid when
  /// `wait` is over.
  static Result<RingLock> acquire(const std::filesystem::path& ring, Nanoseconds wait = {});

 private:
  explicit RingLock(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace caprock::store
