// SPDX-License-Identifier: Apache-2.0
// A BPF ring buffer in this process's memory. Layout: kernel/bpf/ringbuf.c.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/fd.hpp"
#include "core/mapping.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Where the parts of a ring buffer lie. Positions count bytes and never go back; data byte p is at
/// p & (bytes - 1).
struct RingBufferView {
  std::uint64_t* consumer = nullptr;        // written by us
  const std::uint64_t* producer = nullptr;  // written by the kernel
  const std::byte* data =
      nullptr;              // mapped twice in a row: a record is contiguous wherever it starts
  std::uint64_t bytes = 0;  // a power of two
};

/// Owns the map's descriptor and its mappings.
class RingBufferMap {
 public:
  static Result<RingBufferMap> map(Fd fd);

  int fd() const { return fd_.get(); }
  RingBufferView view() const;

 private:
  RingBufferMap(Fd fd, Mapping consumer, Mapping producer_and_data, std::uint64_t bytes);

  Fd fd_;
  Mapping consumer_;
  Mapping producer_and_data_;
  std::uint64_t bytes_;
};

}  // namespace caprock::capture
