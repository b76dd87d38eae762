// SPDX-License-Identifier: Apache-2.0
// Bytes, and reading plain values out of them at any alignment.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

namespace caprock {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// The T at `offset`, in the byte order of the machine. The caller has checked that it is inside.
template <class T>
T load(Bytes bytes, std::size_t offset = 0) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T>
void put(MutableBytes bytes, std::size_t offset, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <class T>
T load(const std::byte* at) {
  return load<T>(Bytes(at, sizeof(T)));
}

/// `n` rounded up to a multiple of `unit`, a power of two.
constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) & ~(unit - 1); }

}  // namespace caprock
