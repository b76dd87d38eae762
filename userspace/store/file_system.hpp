// SPDX-License-Identifier: Apache-2.0
// Whether a file system can carry a mapped ring.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/result.hpp"

namespace caprock::store {

enum class FileSystemKind { kLocal, kMemory, kCopyOnWrite, kRefused };

struct FileSystem {
  std::string_view name;  // "NFS"; "local" for those that need no word
  FileSystemKind kind = FileSystemKind::kLocal;
  std::uint64_t available_bytes = 0;  // to this user
};

/// Of the path, or of the nearest parent that exists.
Result<FileSystem> inspect_file_system(const std::filesystem::path& path);

/// By the magic number of statfs(2).
FileSystem classify_file_system(std::uint32_t magic);

}  // namespace caprock::store
