// SPDX-License-Identifier: Apache-2.0
// Survives SIGBUS on a mapped file: somebody truncated it, or the disk failed under a page.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/byte_span.hpp"
#include "core/result.hpp"

namespace caprock::store {

/// While it lives, a SIGBUS in its range puts zero pages of memory over the whole unit (a segment)
/// that was touched, so that the thread goes on, and marks the unit as lost. A fault elsewhere goes
/// to the handler that was there before. Any thread.
class FaultGuard {
 public:
  /// `range`: a mapping that outlives the guard, a multiple of `unit_bytes`, which is one of the
  /// page size. At most kMaxGuards of them live at a time in a process.
  static Result<std::unique_ptr<FaultGuard>> protect(MutableBytes range, std::uint64_t unit_bytes);

  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

  bool lost(std::uint64_t unit) const { return lost_[unit].load(std::memory_order_relaxed); }

  /// What was in the unit is gone, as somebody found out before a fault did.
  void give_up(std::uint64_t unit) { lost_[unit].store(true, std::memory_order_relaxed); }

  /// The unit is mapped anew.
  void restored(std::uint64_t unit) { lost_[unit].store(false, std::memory_order_relaxed); }

  /// Of the signal handler: whether the fault was in the range and is mended.
  bool absorb(std::uintptr_t address);

  static constexpr std::size_t kMaxGuards =
      256;  // a view that follows a growing ring has one a doubling

 private:
  FaultGuard(MutableBytes range, std::uint64_t unit_bytes);

  std::uintptr_t begin_;
  std::uint64_t bytes_;
  std::uint64_t unit_bytes_;
  std::unique_ptr<std::atomic<bool>[]> lost_;
};

}  // namespace caprock::store
