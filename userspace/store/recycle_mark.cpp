// SPDX-License-Identifier: Apache-2.0
#include "store/recycle_mark.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "store/crc32c.hpp"
#include "store/file_io.hpp"

namespace caprock::store {
namespace {

constexpr std::uint64_t kMagic = 0x314B'524D'5043'5243;  // "CRCPMRK1"

/// The whole file; within one sector, so that it is never torn.
struct Record {
  std::uint64_t magic = kMagic;
  std::uint64_t ring_id = 0;
  std::uint64_t sealed_before = 0;
  std::uint64_t crc32c = 0;  // of what is in front of it
};

std::uint64_t checksum(const Record& record) {
  return crc32c(std::as_bytes(std::span(&record, 1)).first(offsetof(Record, crc32c)));
}

std::string path_of(const std::filesystem::path& ring) {
  return std::filesystem::path(ring).replace_extension(".recycled");
}

/// So that a file made just now is found after a power cut.
Status sync_directory(const std::filesystem::path& file) {
  const Fd directory(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory && ::fsync(directory.get()) == 0) return {};
  return Error::from_errno(fmt::format("cannot sync {}", file.parent_path().string()));
}

}  // namespace

std::uint64_t RecycleMark::read(const std::filesystem::path& ring, std::uint64_t ring_id) {
  const Fd fd(::open(path_of(ring).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  Record record;
  const bool whole = fd && read_all(fd.get(), std::as_writable_bytes(std::span(&record, 1)), 0) &&
                     record.magic == kMagic && record.ring_id == ring_id &&
                     record.crc32c == checksum(record);
  return whole ? record.sealed_before : 0;
}

void RecycleMark::remove(const std::filesystem::path& ring) {
  ::unlink(path_of(ring).c_str());
}

Result<RecycleMark> RecycleMark::open(const std::filesystem::path& ring, std::uint64_t ring_id) {
  const std::string path = path_of(ring);
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_DSYNC, 0600));
  if (!fd) return Error::from_errno(fmt::format("cannot open {}", path));
  if (auto synced = sync_directory(path); !synced) return std::move(synced).error();
  return RecycleMark(std::move(fd), ring_id);
}

Status RecycleMark::write(std::uint64_t sealed_before) const {
  Record record{.ring_id = ring_id_, .sealed_before = sealed_before};
  record.crc32c = checksum(record);
  if (write_all(fd_.get(), std::as_bytes(std::span(&record, 1)), 0)) return {};
  return Error::from_errno("cannot write how far the ring is recycled");
}

}  // namespace caprock::store
