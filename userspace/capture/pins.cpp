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
#include <charconv>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "abi/generation.h"

namespace caprock::capture {
namespace {

constexpr std::string_view kLast = "generation";
constexpr std::string_view kAside = "_old_";

Status pin(int fd, const std::filesystem::path& file) {
  if (fd < 0) return {};  // not loaded
  if (::unlink(file.c_str()) != 0 && errno != ENOENT)
    return Error::from_errno(fmt::format("remove the old pin {}", file.native()));
  if (bpf_obj_pin(fd, file.c_str()) != 0)
    return Error::from_errno(fmt::format("pin {}", file.native()));
  return {};
}

Status pin_programs(const bpf_object* object, const std::filesystem::path& directory) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    auto pinned = pin(bpf_program__fd(program), directory / bpf_program__name(program));
    if (!pinned) return pinned;
  }
  return {};
}

Status pin_maps(const bpf_object* object, const std::filesystem::path& directory) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    // Read-only data has a name that a BPF file system does not take.
    if (bpf_map__is_internal(map) || !bpf_map__autocreate(map) || bpf_map__name(map) == kLast)
      continue;
    if (auto pinned = pin(bpf_map__fd(map), directory / bpf_map__name(map)); !pinned) return pinned;
  }
  const bpf_map* const last = bpf_object__find_map_by_name(object, kLast.data());
  return pin(bpf_map__fd(last), directory / kLast);
}

/// Of a generation's directory; none: it is something else.
std::optional<int> layout_of(std::string_view name) {
  int layout = 0;
  if (!name.starts_with('v')) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), layout);
  const std::string_view rest = name.substr(static_cast<std::size_t>(end - name.data()));
  if (error != std::errc() || !(rest.empty() || rest.starts_with(kAside))) return std::nullopt;
  return layout;
}

/// Those whose layout compares so with ours. It is the first one: there is none before it that
/// would have to be read as well.
std::vector<std::filesystem::path> find_generations(const std::filesystem::path& pin_directory,
                                                    const std::function<bool(int, int)>& compare) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(pin_directory, error)) {
    const auto layout = layout_of(entry.path().filename().native());
    if (layout && compare(*layout, CAPROCK_LAYOUT)) found.push_back(entry.path());
  }
  return found;
}

}  // namespace

Status make_pin_directory(const std::filesystem::path& directory) {
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

std::filesystem::path generation_directory(const std::filesystem::path& pin_directory) {
  return pin_directory / fmt::format("v{}", int{CAPROCK_LAYOUT});
}

std::vector<std::filesystem::path> old_generation_directories(
    const std::filesystem::path& pin_directory) {
  auto found = find_generations(pin_directory, std::equal_to());
  std::erase(found, generation_directory(pin_directory));
  return found;
}

std::vector<std::filesystem::path> foreign_generation_directories(
    const std::filesystem::path& pin_directory) {
  return find_generations(pin_directory, std::not_equal_to());
}

Status set_generation_aside(const std::filesystem::path& pin_directory, std::uint64_t instance) {
  const auto directory = generation_directory(pin_directory);
  const auto aside =
      pin_directory / fmt::format("{}{}{:x}", directory.filename().native(), kAside, instance);
  if (::rename(directory.c_str(), aside.c_str()) != 0)
    return Error::from_errno(fmt::format("rename {}", directory.native()));
  return {};
}

void remove_generation(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;  // the directory changes under the iterator otherwise
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    files.push_back(entry.path());
  for (const auto& file : files)
    ::unlink(file.c_str());
  ::rmdir(directory.c_str());
}

Status pin_generation(const bpf_object* object, const std::filesystem::path& pin_directory,
                      bool adopted) {
  const auto directory = generation_directory(pin_directory);
  for (const auto& needed : {pin_directory, directory}) {
    if (auto made = make_pin_directory(needed); !made) return made;
  }
  if (auto pinned = pin_programs(object, directory); !pinned || adopted) return pinned;
  return pin_maps(object, directory);
}

}  // namespace caprock::capture
