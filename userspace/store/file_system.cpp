// SPDX-License-Identifier: Apache-2.0
#include "store/file_system.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>

namespace caprock::store {
namespace {

struct KnownFileSystem {
  std::uint32_t magic;
  std::string_view name;
  FileSystemKind kind;
};

// Numbers that linux/magic.h of older distributions lacks are given as statfs(2) lists them.
constexpr std::array kKnown = {
    KnownFileSystem{NFS_SUPER_MAGIC, "NFS", FileSystemKind::kRefused},
    KnownFileSystem{SMB_SUPER_MAGIC, "SMB", FileSystemKind::kRefused},
    KnownFileSystem{0xFF534D42, "CIFS", FileSystemKind::kRefused},
    KnownFileSystem{0xFE534D42, "SMB2", FileSystemKind::kRefused},
    KnownFileSystem{0x00C36400, "CephFS", FileSystemKind::kRefused},
    KnownFileSystem{V9FS_MAGIC, "9p", FileSystemKind::kRefused},
    KnownFileSystem{AFS_FS_MAGIC, "AFS", FileSystemKind::kRefused},
    KnownFileSystem{FUSE_SUPER_MAGIC, "FUSE", FileSystemKind::kRefused},
    KnownFileSystem{OVERLAYFS_SUPER_MAGIC, "overlay", FileSystemKind::kRefused},
    KnownFileSystem{BTRFS_SUPER_MAGIC, "btrfs", FileSystemKind::kCopyOnWrite},
    KnownFileSystem{TMPFS_MAGIC, "tmpfs", FileSystemKind::kMemory},
    KnownFileSystem{RAMFS_MAGIC, "ramfs", FileSystemKind::kMemory},
};

}  // namespace

FileSystem classify_file_system(std::uint32_t magic) {
  const auto known =
      std::find_if(kKnown.begin(), kKnown.end(),
                   [magic](const KnownFileSystem& one) { return one.magic == magic; });
  if (known == kKnown.end()) return {.name = "local"};
  return {.name = known->name, .kind = known->kind};
}

Result<FileSystem> inspect_file_system(const std::filesystem::path& path) {
  std::filesystem::path existing = std::filesystem::absolute(path);
  std::error_code ignored;
  while (!std::filesystem::exists(existing, ignored) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  struct statfs info {};
  if (::statfs(existing.c_str(), &info) != 0) {
    return Error::from_errno(fmt::format("cannot inspect the file system of {}", path.string()));
  }
  FileSystem file_system = classify_file_system(static_cast<std::uint32_t>(info.f_type));
  file_system.available_bytes =
      static_cast<std::uint64_t>(info.f_bavail) * static_cast<std::uint64_t>(info.f_bsize);
  return file_system;
}

}  // namespace caprock::store
