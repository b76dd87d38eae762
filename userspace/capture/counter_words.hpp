// SPDX-License-Identifier: Apache-2.0
// Counters (bpf/abi/counters.h) in memory that others write meanwhile, word by word.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "abi/counters.h"

namespace caprock::capture {

using CounterWords = std::array<std::uint64_t, sizeof(capture_counters) / sizeof(std::uint64_t)>;

inline capture_counters read_counters(const std::byte* at) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(at);
  CounterWords copy;
  for (std::size_t i = 0; i < copy.size(); ++i)
    copy[i] = __atomic_load_n(words + i, __ATOMIC_RELAXED);
  return std::bit_cast<capture_counters>(copy);
}

}  // namespace caprock::capture
