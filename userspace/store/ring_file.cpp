// SPDX-License-Identifier: Apache-2.0
#include "store/ring_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "core/quantity.hpp"
#include "store/file_io.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

/// Where this does not work there is no copy-on-write to be kept from.
void disable_copy_on_write(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_NOCOW_FL;
  ::ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

Status write(int fd, Bytes bytes, std::uint64_t offset) {
  if (!write_all(fd, bytes, offset)) return Error::from_errno("write");
  return {};
}

Status allocate(int fd, std::uint64_t offset, std::uint64_t bytes) {
  if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes)) ==
      0) {
    return {};
  }
  // A file system without preallocation (EOPNOTSUPP) takes the space as it comes.
  if (errno == EOPNOTSUPP) return {};
  return Error::from_errno(fmt::format("cannot get {} of disk space", format_size(bytes)));
}

Status cut(int fd, std::uint64_t bytes) {
  if (::ftruncate(fd, static_cast<off_t>(bytes)) == 0) return {};
  return Error::from_errno("cannot resize the ring");
}

/// Makes the length whole segments of the ring, and gives back what a larger ring had allocated: a
/// truncation, even to the same length, frees all behind it. Not where there is no need: on a full
/// disk somebody else would take the ring's space.
Status trim(int fd, const Geometry& geometry) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::from_errno("fstat");
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t length =
      std::min(round_up(bytes, geometry.segment_bytes), geometry.ring_bytes());
  const std::uint64_t allocated = static_cast<std::uint64_t>(info.st_blocks) * 512;
  const bool has_more = allocated >= geometry.ring_bytes() + geometry.segment_bytes;
  return bytes == length && !has_more ? Status{} : cut(fd, length);
}

Status give_back(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::from_errno("fstat");
  return cut(fd, static_cast<std::uint64_t>(info.st_size));
}

Error not_a_file(const std::filesystem::path& path, std::string_view what) {
  return Error(fmt::format("{} is {}: give the agent another dataDir", path.string(), what));
}

/// Why the ring cannot be opened for writing, and what to do.
Error unopened(const std::filesystem::path& path, int code) {
  if (code == ELOOP) return not_a_file(path, "a symbolic link, which is not followed");
  if (code == EISDIR) return not_a_file(path, "a directory");
  Error error = Error::from_errno(fmt::format("cannot open the ring {}", path.string()), code);
  if (code != EACCES && code != EPERM) return error;
  return Error(error.message() + "; run as root, or as who recorded it");
}

}  // namespace

Result<Fd> RingFile::open_descriptor(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return unopened(path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Error::from_errno(path.string());
  if (!S_ISREG(info.st_mode)) return not_a_file(path, "not a regular file");
  if (info.st_size == 0) disable_copy_on_write(fd.get());
  return fd;
}

Status RingFile::write_first_blank(int fd, std::uint64_t segment_bytes) {
  if (::ftruncate(fd, 0) != 0) return Error::from_errno("truncate");
  if (auto written = write(fd, build_blank(segment_bytes), 0); !written) return written;
  // Before the file grows: after a power cut zeros would stand there, which might be anybody's.
  if (::fdatasync(fd) != 0) return Error::from_errno("sync");
  return {};
}

Result<std::unique_ptr<RingFile>> RingFile::map(Fd fd, std::filesystem::path path,
                                                Geometry geometry) {
  if (auto done = trim(fd.get(), geometry); !done) return std::move(done).error();
  if (auto done = allocate(fd.get(), 0, geometry.ring_bytes()); !done) {
    [[maybe_unused]] const auto given_back = give_back(fd.get());
    return Error(fmt::format("{}: {}; make room, or give a smaller storageSize", path.string(),
                             done.error().message()));
  }
  auto mapping = Mapping::shared(fd.get(), geometry.ring_bytes(), PROT_READ | PROT_WRITE);
  if (!mapping) return std::move(mapping).error().context(path.string());
  auto guard = FaultGuard::protect(mapping->bytes(), geometry.segment_bytes);
  if (!guard) return std::move(guard).error();
  return std::unique_ptr<RingFile>(new RingFile(std::move(fd), std::move(path), geometry,
                                                *std::move(mapping), *std::move(guard)));
}

RingFile::RingFile(Fd fd, std::filesystem::path path, Geometry geometry, Mapping mapping,
                   std::unique_ptr<FaultGuard> guard)
    : fd_(std::move(fd)),
      direct_(DirectFile::open(fd_.get())),
      path_(std::move(path)),
      geometry_(geometry),
      mapping_(std::move(mapping)),
      advice_(MADV_NORMAL),
      guard_(std::move(guard)) {
  if (direct_) direct_->await_others();
}

MutableBytes RingFile::segment(std::uint64_t index) const {
  return mapping_.bytes().subspan(offset_of(index), geometry_.segment_bytes);
}

void RingFile::expect_writes() {
  advice_ = MADV_RANDOM;
  ::madvise(mapping_.bytes().data(), mapping_.bytes().size(), advice_);
}

Status RingFile::prepare(std::uint64_t index) {
  if (auto done = extend_to(offset_of(index + 1)); !done) return done;
  if (guard_->lost(index)) {
    if (auto done = remap(index); !done) return done;
  }
  // What readers left in the page cache: a direct write that meets it has to drop it, and waits.
  evict(index);
  return overwrite_ends(index);
}

/// The segments that a truncation cut off are lost, also where no store has met it yet; they are
/// blank from then on, so that the file is valid to its end.
Status RingFile::extend_to(std::uint64_t bytes) {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return Error::from_errno("fstat");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t wanted = std::max(bytes, extended_to_);
  if (size >= wanted) {
    extended_to_ = size;
    return {};
  }
  const std::uint64_t first_lost = size / geometry_.segment_bytes;
  const std::uint64_t end_lost = extended_to_ / geometry_.segment_bytes;
  for (std::uint64_t index = first_lost; index < end_lost; ++index)
    guard_->give_up(index);
  if (::ftruncate(fd_.get(), static_cast<off_t>(wanted)) != 0) {
    return Error::from_errno("cannot extend the ring");
  }
  for (std::uint64_t index = first_lost; index < end_lost; ++index) {
    if (auto done = overwrite_ends(index); !done) return done;
  }
  extended_to_ = wanted;
  return {};
}

Status RingFile::discard(std::uint64_t index) {
  if (auto done = extend_to(extended_to_); !done) return done;
  return overwrite_ends(index);
}

/// The file's pages in place of those that a fault left, on disk space that a truncation may have
/// taken.
Status RingFile::remap(std::uint64_t index) const {
  if (auto done = allocate(fd_.get(), offset_of(index), geometry_.segment_bytes); !done)
    return done;
  void* const mapped =
      ::mmap(segment(index).data(), geometry_.segment_bytes, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, fd_.get(), static_cast<off_t>(offset_of(index)));
  if (mapped == MAP_FAILED) return Error::from_errno("cannot map the segment again");
  ::madvise(mapped, geometry_.segment_bytes, advice_);
  guard_->restored(index);
  return {};
}

/// Whole pages written by the kernel need not be read first. The opening page goes first, so that
/// no reader takes what follows for the old record; then the last one, and the free-space block is
/// whole.
Status RingFile::overwrite_ends(std::uint64_t index) const {
  std::vector<std::byte> page = build_blank(geometry_.segment_bytes);
  page.resize(kPageBytes);
  if (auto done = write(fd_.get(), page, offset_of(index)); !done) return done;
  std::fill(page.begin(), page.end(), std::byte{0});
  put(page, kPageBytes - sizeof(std::uint32_t),
      static_cast<std::uint32_t>(geometry_.segment_bytes - kSegmentHeadOffset));
  return write(fd_.get(), page, offset_of(index + 1) - kPageBytes);
}

Status RingFile::sync() const {
  if (::fdatasync(fd_.get()) == 0) return {};
  return Error::from_errno(fmt::format("cannot sync {}", path_.string()));
}

std::vector<std::uint64_t> RingFile::resident_pages(std::uint64_t index) const {
  const MutableBytes bytes = segment(index);
  std::vector<unsigned char> in_memory(bytes.size() / kPageBytes);
  if (::mincore(bytes.data(), bytes.size(), in_memory.data()) != 0) return {};
  std::vector<std::uint64_t> offsets;
  for (std::size_t page = 0; page < in_memory.size(); ++page) {
    if ((in_memory[page] & 1) != 0) offsets.push_back(page * kPageBytes);
  }
  return offsets;
}

/// Not through the mapping, where a disk that fails would be a SIGBUS. An error here is one of the
/// sync to come as well.
void RingFile::write_again(std::uint64_t index, std::uint64_t page_offset) const {
  std::array<std::byte, kPageBytes> page;
  const std::uint64_t offset = offset_of(index) + page_offset;
  if (read_all(fd_.get(), page, offset)) static_cast<void>(write_all(fd_.get(), page, offset));
}

void RingFile::evict(std::uint64_t index) const {
  const MutableBytes bytes = segment(index);
  ::madvise(bytes.data(), bytes.size(), MADV_DONTNEED);
  ::posix_fadvise(fd_.get(), static_cast<off_t>(offset_of(index)), static_cast<off_t>(bytes.size()),
                  POSIX_FADV_DONTNEED);
}

}  // namespace caprock::store
