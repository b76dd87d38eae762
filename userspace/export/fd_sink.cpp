// SPDX-License-Identifier: Apache-2.0
#include "export/fd_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>
#include <utility>

namespace caprock::exporting {
namespace {

constexpr std::uint64_t kReservedAhead = 64u << 20;

}  // namespace

FdSink::FdSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  struct stat status {};
  const off_t position = ::lseek(fd_, 0, SEEK_CUR);
  // Where a file goes on behind the position, its length is not ours to say.
  reserves_ = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) && position == status.st_size;
  if (reserves_) end_ = reserved_ = static_cast<std::uint64_t>(position);
}

FdSink::~FdSink() {
  // To the length that it has, which need not be ours alone: what is reserved behind it goes back.
  // Where that fails it stays with the file, which is whole nevertheless.
  struct stat status {};
  if (reserved_ > end_ && ::fstat(fd_, &status) == 0)
    std::ignore = ::ftruncate(fd_, status.st_size);
}

void FdSink::reserve(std::uint64_t bytes) {
  if (!reserves_ || end_ + bytes <= reserved_) return;
  const std::uint64_t wanted = bytes + kReservedAhead;
  reserves_ = ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(end_),
                          static_cast<off_t>(wanted)) == 0;
  if (reserves_) reserved_ = end_ + wanted;
}

Status FdSink::write(Bytes piece) {
  reserve(piece.size());
  while (!piece.empty()) {
    const ssize_t written = ::write(fd_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno(name_);
    end_ += static_cast<std::uint64_t>(written);
    piece = piece.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace caprock::exporting
