// SPDX-License-Identifier: Apache-2.0
// The option structs of libbpf.
#pragma once

#include <cstring>

namespace caprock::capture {

/// A zeroed T with its size filled in. libbpf refuses one whose padding is not zero, which neither
/// `T{}` nor a copy promises; hence no copies.
template <class T>
class LibbpfOptions {
 public:
  LibbpfOptions() {
    std::memset(&value_, 0, sizeof value_);
    value_.sz = sizeof value_;
  }
  LibbpfOptions(const LibbpfOptions&) = delete;
  LibbpfOptions& operator=(const LibbpfOptions&) = delete;

  T* operator->() { return &value_; }
  T* get() { return &value_; }

 private:
  T value_;
};

}  // namespace caprock::capture
