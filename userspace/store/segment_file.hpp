// SPDX-License-Identifier: Apache-2.0
// The ways into a segment's place in the file that are not its mapping: straight to disk from
// somebody else's memory, and through the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "core/byte_span.hpp"
#include "core/fd.hpp"

namespace caprock::store {

inline constexpr std::size_t kPageBytes = 4096;

/// A second descriptor of the ring's file that bypasses the page cache (O_DIRECT). Any thread.
class DirectFile {
 public:
  /// Nothing where the file system cannot do it (tmpfs), or only in larger units than pages. `fd`:
  /// the ring's.
  static std::optional<DirectFile> open(int fd);

  /// Bytes at the front of `memory` that lie before the first place from which the device can be
  /// fed.
  std::size_t lead(Bytes memory) const;

  /// `bytes` begins behind its lead; size and offset are multiples of kPageBytes. Pages of the page
  /// cache in that range are dropped, so that mappings see the new bytes. False with errno: what is
  /// there now is undefined.
  bool write(Bytes bytes, std::uint64_t offset) const;

  /// Until nobody else has this: a write that was on its way when an agent was killed outlives it,
  /// and holds its description of the file, and with it the lock, until it has ended.
  void await_others() const;

  int descriptor() const { return fd_.get(); }

 private:
  DirectFile(Fd fd, std::size_t alignment) : fd_(std::move(fd)), alignment_(alignment) {}

  Fd fd_;
  std::size_t alignment_;  // of memory
};

class DirectWriter;

/// One segment's part of the file, as its lane uses it. The files outlive it.
struct SegmentFile {
  DirectWriter* direct = nullptr;  // none: all runs are copied
  int fd = -1;
  std::uint64_t offset = 0;  // of the segment

  /// Whether the file still has the segment's `bytes`. A write behind the end would hide that
  /// somebody truncated it; the store through the mapping that takes its place meets the fault
  /// guard.
  bool reaches(std::uint64_t bytes) const;

  /// Makes pages blank without reading what they held. `at` and `bytes`: multiples of kPageBytes.
  bool blank(std::uint64_t at, std::uint64_t bytes) const;

  /// One part behind the other, at most kMaxParts, and `blank` zeros (less than a page) behind
  /// them, through the page cache. False with errno: what is there now is undefined.
  static constexpr std::size_t kMaxParts = 3;
  bool write(std::uint64_t at, std::initializer_list<Bytes> parts, std::size_t blank = 0) const;
};

}  // namespace caprock::store
