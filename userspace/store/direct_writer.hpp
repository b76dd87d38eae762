// SPDX-License-Identifier: Apache-2.0
// A lane's way from its sources' memory to disk, past the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/byte_span.hpp"
#include "store/segment_file.hpp"

namespace caprock::store {

/// One write at a time, which goes on while the lane does something else (io_uring; where the
/// kernel refuses that, start() writes and finish() tells). Used by one thread from the first
/// pin() or start() on.
class DirectWriter {
 public:
  /// `file` outlives it.
  explicit DirectWriter(const DirectFile& file);
  ~DirectWriter();

  /// Where the bytes of most writes lie. The kernel looks their pages up once, not at each write;
  /// where it cannot, writes cost more, no more than that. Before the first start(), on its thread.
  void pin(std::span<const Bytes> memory);

  /// As DirectFile has it.
  std::size_t lead(Bytes memory) const { return file_.lead(memory); }

  /// As DirectFile::write(). `bytes` stay as they are until finish(), which comes before the next
  /// start().
  void start(Bytes bytes, std::uint64_t offset);
  bool finish();

 private:
  class Queue;

  void drop_queue();

  const DirectFile& file_;
  std::unique_ptr<Queue> queue_;  // none: the kernel has no io_uring for us
  bool set_up_ = false;
  Bytes bytes_;
  std::uint64_t offset_ = 0;
  bool queued_ = false;  // else `done_` and `errno_` are the result
  bool done_ = false;
  int errno_ = 0;
};

}  // namespace caprock::store
