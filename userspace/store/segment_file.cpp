// SPDX-License-Identifier: Apache-2.0
#include "store/segment_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "store/file_io.hpp"

namespace caprock::store {
namespace {

/// What every disk of today takes, where the kernel does not say (STATX_DIOALIGN: Linux 6.1).
constexpr std::size_t kUsualAlignment = 4096;

constexpr std::array<std::byte, 16 * kPageBytes> kZeros{};

/// 0: not at all, or not in pages.
std::size_t memory_alignment(int fd) {
#ifdef STATX_DIOALIGN
  struct statx info {};
  if (::syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &info) == 0 &&
      (info.stx_mask & STATX_DIOALIGN) != 0) {
    return info.stx_dio_offset_align <= kPageBytes ? info.stx_dio_mem_align : 0;
  }
#endif
  return fd >= 0 ? kUsualAlignment : 0;
}

}  // namespace

std::optional<DirectFile> DirectFile::open(int fd) {
  Fd direct(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
  if (!direct) return std::nullopt;
  const std::size_t alignment = memory_alignment(direct.get());
  if (alignment == 0 || alignment > kPageBytes) return std::nullopt;
  return DirectFile(std::move(direct), std::max<std::size_t>(alignment, 8));
}

std::size_t DirectFile::lead(Bytes memory) const {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return round_up(address, alignment_) - address;
}

void DirectFile::await_others() const {
  while (::flock(fd_.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
}

bool DirectFile::write(Bytes bytes, std::uint64_t offset) const {
  return write_all(fd_.get(), bytes, offset);
}

bool SegmentFile::reaches(std::uint64_t bytes) const {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && static_cast<std::uint64_t>(info.st_size) >= offset + bytes;
}

bool SegmentFile::blank(std::uint64_t at, std::uint64_t bytes) const {
  while (bytes > 0) {
    const std::size_t n = std::min<std::uint64_t>(bytes, kZeros.size());
    if (!write_all(fd, Bytes(kZeros).first(n), offset + at)) return false;
    at += n;
    bytes -= n;
  }
  return true;
}

bool SegmentFile::write(std::uint64_t at, std::initializer_list<Bytes> parts,
                        std::size_t blank) const {
  std::array<iovec, kMaxParts + 1> pieces{};
  std::size_t count = 0;
  std::size_t bytes = 0;
  const auto add = [&](Bytes part) {
    pieces[count++] = {const_cast<std::byte*>(part.data()), part.size()};
    bytes += part.size();
  };
  for (const Bytes part : parts)
    add(part);
  add(Bytes(kZeros).first(blank));
  ssize_t written = -1;
  do {
    written =
        ::pwritev(fd, pieces.data(), static_cast<int>(count), static_cast<off_t>(offset + at));
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(bytes);
}

}  // namespace caprock::store
