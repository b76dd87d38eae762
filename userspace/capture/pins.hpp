// SPDX-License-Identifier: Apache-2.0
// The programs and maps of a BPF object as files in a BPF file system, for bpftool and for the next
// agent.
#pragma once

#include <filesystem>
#include <vector>

#include "core/result.hpp"

struct bpf_object;

namespace caprock::capture {

/// Owns the files: they are gone when it is. Move-only. Control-plane thread.
class Pins {
 public:
  /// Pins every loaded program and every created map of `object` under its name; the directory is
  /// made (0700) where it is missing, pins of the same names that an earlier run left behind are
  /// replaced.
  static Result<Pins> create(const bpf_object* object, const std::filesystem::path& directory);

  Pins() = default;
  Pins(Pins&&) = default;
  Pins& operator=(Pins&& other) noexcept;
  ~Pins();

 private:
  Status pin(const char* name, int fd);
  void remove();

  std::filesystem::path directory_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace caprock::capture
