// SPDX-License-Identifier: Apache-2.0
#include "store/stream_copy.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace caprock::store {
namespace {

#if defined(__x86_64__)

/// Below this the pages' lines are better left to the cache.
constexpr std::size_t kMinStreamBytes = 4096;
constexpr std::size_t kLineBytes = 64;

using Copy = void (*)(std::byte*, const std::byte*, std::size_t);

void copy_plain(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

__attribute__((target("avx2"))) void copy_avx2(std::byte* to, const std::byte* from,
                                               std::size_t bytes) {
  // Whole lines of the destination at a time, so that each leaves the write-combining buffer full.
  const std::size_t head = -reinterpret_cast<std::uintptr_t>(to) & (kLineBytes - 1);
  std::memcpy(to, from, head);
  const std::byte* const end = from + bytes;
  to += head;
  from += head;
  for (; end - from >= 128; from += 128, to += 128) {
    const auto* source = reinterpret_cast<const __m256i*>(from);
    auto* target = reinterpret_cast<__m256i*>(to);
    const __m256i a = _mm256_loadu_si256(source);
    const __m256i b = _mm256_loadu_si256(source + 1);
    const __m256i c = _mm256_loadu_si256(source + 2);
    const __m256i d = _mm256_loadu_si256(source + 3);
    _mm256_stream_si256(target, a);
    _mm256_stream_si256(target + 1, b);
    _mm256_stream_si256(target + 2, c);
    _mm256_stream_si256(target + 3, d);
  }
  std::memcpy(to, from, static_cast<std::size_t>(end - from));
}

Copy choose_copy() {
  return __builtin_cpu_supports("avx2") != 0 ? copy_avx2 : copy_plain;
}

const Copy copy_long = choose_copy();

#endif

}  // namespace

void stream_copy(std::byte* to, Bytes from) {
#if defined(__x86_64__)
  if (from.size() >= kMinStreamBytes) return copy_long(to, from.data(), from.size());
#endif
  std::memcpy(to, from.data(), from.size());
}

void store_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
  std::atomic_thread_fence(std::memory_order_release);
}

}  // namespace caprock::store
