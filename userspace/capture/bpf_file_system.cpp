// SPDX-License-Identifier: Apache-2.0
#include "capture/bpf_file_system.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace caprock::capture {
namespace {

bool is_bpf_file_system(const std::filesystem::path& directory) {
  struct statfs found {};
  return ::statfs(directory.c_str(), &found) == 0 && found.f_type == BPF_FS_MAGIC;
}

/// Where every host has it. Elsewhere a mount might hide files.
constexpr std::string_view kUsualPlace = "/sys/fs/bpf";

std::string mount_command(const std::filesystem::path& directory) {
  return fmt::format("mount -t bpf bpf {}", directory.native());
}

std::string not_there(const std::filesystem::path& parent) {
  return fmt::format(
      "agent.pinDir: {} is no BPF file system; mount one there ({}), or take a "
      "directory in {}",
      parent.native(), mount_command(parent), kUsualPlace);
}

}  // namespace

Status ensure_bpf_file_system(const std::filesystem::path& pin_directory) {
  const auto parent = pin_directory.parent_path();
  if (is_bpf_file_system(parent)) return {};
  if (parent != kUsualPlace) return Error(not_there(parent));
  if (::mount("bpf", parent.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0)
    return {};
  return Error::from_errno(
      fmt::format("no BPF file system for agent.pinDir, and \"{}\" failed", mount_command(parent)));
}

bool takes_pins(const std::filesystem::path& pin_directory) {
  return ::access(pin_directory.parent_path().c_str(), W_OK) == 0 || errno != EROFS;
}

Finding inspect_bpf_file_system(const std::filesystem::path& pin_directory) {
  const auto parent = pin_directory.parent_path();
  if (is_bpf_file_system(parent) && !takes_pins(pin_directory))
    return {.id = "bpffs",
            .severity = Severity::kWarning,
            .found = fmt::format("the BPF file system on {} is read-only", parent.native()),
            .consequence = "nothing is pinned: a restart of the agent leaves a gap",
            .remedy = fmt::format("mount -o remount,rw {}", parent.native())};
  if (is_bpf_file_system(parent))
    return {.id = "bpffs", .found = fmt::format("BPF file system on {}", parent.native())};
  if (parent != kUsualPlace)
    return {.id = "bpffs",
            .severity = Severity::kFatal,
            .found = fmt::format("no BPF file system on {}", parent.native()),
            .consequence = "programs and maps cannot be pinned in agent.pinDir",
            .remedy = fmt::format("{}, or a directory in {}", mount_command(parent), kUsualPlace)};
  return {.id = "bpffs",
          .severity = Severity::kNote,
          .found = fmt::format("no BPF file system on {}", parent.native()),
          .consequence = "the agent mounts it at its start"};
}

}  // namespace caprock::capture
