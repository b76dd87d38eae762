// SPDX-License-Identifier: Apache-2.0
#include "capture/bpf_file_system.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

namespace caprock::capture {
namespace {

bool is_bpf_file_system(const std::filesystem::path& directory) {
  struct statfs found {};
  return ::statfs(directory.c_str(), &found) == 0 && found.f_type == BPF_FS_MAGIC;
}

std::string mount_command(const std::filesystem::path& directory) {
  return fmt::format("mount -t bpf bpf {}", directory.native());
}

}  // namespace

Status ensure_bpf_file_system(const std::filesystem::path& pin_directory) {
  const auto parent = pin_directory.parent_path();
  if (is_bpf_file_system(parent)) return {};
  if (::mount("bpf", parent.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0)
    return {};
  return Error::from_errno(
      fmt::format("no BPF file system for agent.pinDir, and \"{}\" failed", mount_command(parent)));
}

Finding inspect_bpf_file_system(const std::filesystem::path& pin_directory) {
  const auto parent = pin_directory.parent_path();
  if (is_bpf_file_system(parent))
    return {.id = "bpffs", .found = fmt::format("BPF file system on {}", parent.native())};
  return {.id = "bpffs",
          .severity = Severity::kNote,
          .found = fmt::format("no BPF file system on {}", parent.native()),
          .consequence =
              "nothing is pinned: bpftool finds no files, and packets are lost while the agent "
              "restarts",
          .remedy = fmt::format("the agent mounts it when it is root; by hand: {}",
                                mount_command(parent))};
}

}  // namespace caprock::capture
