// SPDX-License-Identifier: Apache-2.0
// Positions that this process shares with the kernel's programs: single writer each, published with
// release order.
#pragma once

#include <cstdint>

namespace caprock::capture {

/// Everything the writer did before it published the value is visible after this.
template <class T>
std::uint64_t load_acquire(const T& position) {
  static_assert(sizeof(T) == sizeof(std::uint64_t));
  return __atomic_load_n(&position, __ATOMIC_ACQUIRE);
}

/// Everything done before is visible to whoever reads the value with acquire order.
template <class T>
void store_release(T& position, std::uint64_t value) {
  static_assert(sizeof(T) == sizeof(std::uint64_t));
  __atomic_store_n(&position, value, __ATOMIC_RELEASE);
}

}  // namespace caprock::capture
