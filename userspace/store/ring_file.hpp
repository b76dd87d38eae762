// SPDX-License-Identifier: Apache-2.0
// The file under the ring: its bytes on disk, their mapping, their pages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/fd.hpp"
#include "core/mapping.hpp"
#include "core/result.hpp"
#include "store/fault_guard.hpp"
#include "store/geometry.hpp"
#include "store/segment_file.hpp"

namespace caprock::store {

/// Owner of descriptor and mapping. The mapping covers the whole ring; the file is only as long as
/// segments have been in use. Methods of different segments may run at once.
class RingFile {
 public:
  /// Opens or makes the file, 0600. A new one is kept from copy-on-write where the file system has
  /// it (btrfs).
  static Result<Fd> open_descriptor(const std::filesystem::path& path);

  /// Makes an empty file a ring in which nothing is recorded: from then on it is known as ours.
  static Status write_first_blank(int fd, std::uint64_t segment_bytes);

  /// Gives the ring its disk space (what lies beyond is given back) and maps it.
  static Result<std::unique_ptr<RingFile>> map(Fd fd, std::filesystem::path path,
                                               Geometry geometry);

  const std::filesystem::path& path() const { return path_; }
  const Geometry& geometry() const { return geometry_; }
  MutableBytes bytes() const { return mapping_.bytes(); }
  MutableBytes segment(std::uint64_t index) const;
  FaultGuard& guard() const { return *guard_; }
  int descriptor() const { return fd_.get(); }

  /// The way past the page cache; none where the file system has none.
  const DirectFile* direct() const { return direct_ ? &*direct_ : nullptr; }

  /// From now on a page fault reads one page at the most: what lies ahead of a lane is about to be
  /// overwritten, and what lies around a head is not wanted.
  void expect_writes();

  /// Makes a segment blank without reading old data from disk, its first and its last page in
  /// memory. Blocks for as long as the disk makes it.
  Status prepare(std::uint64_t index);

  /// Makes a lost segment blank on disk: what came to be in it after all is recorded elsewhere too.
  Status discard(std::uint64_t index);

  /// fdatasync of the whole file.
  Status sync() const;

  /// Offsets in the segment of its pages that are in memory.
  std::vector<std::uint64_t> resident_pages(std::uint64_t index) const;

  /// Has the next sync write such a page again, though the kernel takes it for written. Nobody may
  /// store into it meanwhile.
  void write_again(std::uint64_t index, std::uint64_t page_offset) const;

  /// Lets go of a segment's pages that are on disk.
  void evict(std::uint64_t index) const;

 private:
  RingFile(Fd fd, std::filesystem::path path, Geometry geometry, Mapping mapping,
           std::unique_ptr<FaultGuard> guard);

  Status extend_to(std::uint64_t bytes);
  Status remap(std::uint64_t index) const;
  Status overwrite_ends(std::uint64_t index) const;
  std::uint64_t offset_of(std::uint64_t index) const { return index * geometry_.segment_bytes; }

  Fd fd_;
  std::optional<DirectFile> direct_;
  std::filesystem::path path_;
  Geometry geometry_;
  Mapping mapping_;
  int advice_;                         // of madvise(2) for the mapping
  std::uint64_t extended_to_ = 0;      // bytes that the file had when it was last looked at
  std::unique_ptr<FaultGuard> guard_;  // of the mapping: goes first
};

}  // namespace caprock::store
