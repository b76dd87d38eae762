// SPDX-License-Identifier: Apache-2.0
// Owner of a memory mapping.
#pragma once

#include <cstddef>
#include <span>

#include "core/result.hpp"

namespace caprock {

/// Unmaps the memory it owns. Move-only; empty when default-constructed.
class Mapping {
 public:
  /// Maps `bytes` of `fd` from `offset` (a multiple of the page size), shared. `protection`: PROT_READ, PROT_WRITE.
  static Result<Mapping> shared(int fd, std::size_t bytes, int protection, std::size_t offset = 0);

  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  Mapping(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  void reset();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace caprock
