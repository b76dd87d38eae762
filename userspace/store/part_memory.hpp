// SPDX-License-Identifier: Apache-2.0
// Memory that is used again and again for parts of a record.
#pragma once

#include <cstddef>
#include <memory>

#include "core/byte_span.hpp"

namespace caprock::store {

class PartMemory {
 public:
  /// All of it, empty at first.
  MutableBytes bytes() const { return {memory_.get(), memory_ ? size_ : 0}; }

  /// All of it, made larger where it has no room for so many bytes: what was in it is gone then.
  MutableBytes with_room_for(std::size_t bytes) {
    if (this->bytes().size() < bytes) {
      memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      size_ = bytes;
    }
    return this->bytes();
  }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace caprock::store
