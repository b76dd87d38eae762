// SPDX-License-Identifier: Apache-2.0
#include "capture/pins.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace caprock::capture {
namespace {

Status make_directory(const std::filesystem::path& directory) {
  struct statfs parent {};
  if (::statfs(directory.parent_path().c_str(), &parent) != 0)
    return Error::from_errno(directory.parent_path().native());
  if (parent.f_type != BPF_FS_MAGIC)
    return Error(fmt::format("{} is not in a BPF file system; mount one: mount -t bpf bpf {}",
                             directory.native(), directory.parent_path().native()));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return Error::from_errno(directory.native());
  return {};
}

}  // namespace

Result<Pins> Pins::create(const bpf_object* object, const std::filesystem::path& directory) {
  if (auto made = make_directory(directory); !made) return std::move(made).error();
  Pins pins;
  pins.directory_ = directory;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (auto pinned = pins.pin(bpf_program__name(program), bpf_program__fd(program)); !pinned)
      return std::move(pinned).error();
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    // Read-only data has a name that a BPF file system does not take.
    if (bpf_map__is_internal(map) || !bpf_map__autocreate(map)) continue;
    if (auto pinned = pins.pin(bpf_map__name(map), bpf_map__fd(map)); !pinned)
      return std::move(pinned).error();
  }
  return pins;
}

Pins& Pins::operator=(Pins&& other) noexcept {
  std::swap(directory_, other.directory_);
  std::swap(files_, other.files_);
  return *this;
}

Pins::~Pins() {
  remove();
}

Status Pins::pin(const char* name, int fd) {
  if (fd < 0) return {};  // not loaded
  const std::filesystem::path file = directory_ / name;
  if (::unlink(file.c_str()) != 0 && errno != ENOENT)
    return Error::from_errno(fmt::format("remove the old pin {}", file.native()));
  if (bpf_obj_pin(fd, file.c_str()) != 0)
    return Error::from_errno(fmt::format("pin {}", file.native()));
  files_.push_back(file);
  return {};
}

void Pins::remove() {
  for (const auto& file : files_)
    ::unlink(file.c_str());
  if (!directory_.empty()) ::rmdir(directory_.c_str());  // stays while others keep pins in it
}

}  // namespace caprock::capture
