// SPDX-License-Identifier: Apache-2.0
#include "store/data_directory.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/quantity.hpp"
#include "store/file_system.hpp"
#include "store/ring.hpp"

namespace caprock::store {
namespace {

constexpr std::string_view kOtherDisk = "give the agent a dataDir on a local disk (ext4, XFS)";

std::filesystem::path or_here(const std::filesystem::path& directory) {
  return directory.empty() ? std::filesystem::path(".") : directory;
}

Finding inspect_kind(const FileSystem& file_system) {
  Finding finding;
  finding.id = "disk.filesystem";
  finding.found = file_system.name;
  switch (file_system.kind) {
    case FileSystemKind::kLocal:
      break;
    case FileSystemKind::kMemory:
      finding.severity = Severity::kNote;
      finding.consequence = "the record is kept in memory and gone after a restart of the machine";
      break;
    case FileSystemKind::kCopyOnWrite:
      finding.severity = Severity::kWarning;
      finding.consequence =
          "a ring that is copied on write fragments and needs more space than its size";
      finding.remedy =
          "none for a new ring, which caprock makes without copy-on-write; else chattr +C, or "
          "another disk";
      break;
    case FileSystemKind::kRefused:
      finding.severity = Severity::kFatal;
      finding.consequence = "a mapped ring is not safe there";
      finding.remedy = std::string(kOtherDisk);
      break;
  }
  return finding;
}

Finding inspect_space(const FileSystem& file_system, const std::filesystem::path& directory,
                      std::uint64_t allocated, std::uint64_t wanted) {
  Finding finding;
  finding.id = "disk.space";
  finding.found =
      fmt::format("{} free in {}", format_size(file_system.available_bytes), directory.string());
  if (file_system.available_bytes + allocated >= wanted) return finding;
  finding.severity = Severity::kFatal;
  finding.consequence = fmt::format("a ring of {} does not fit", format_size(wanted));
  finding.remedy = "make room, or give a smaller tap.capture.raw.storageSize";
  return finding;
}

std::uint64_t allocated_bytes(const std::filesystem::path& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_blocks) * 512 : 0;
}

constexpr std::string_view kWritable =
    "mount it for writing; under systemd name it in ReadWritePaths= of the unit, or give a dataDir "
    "below /var/lib/caprock";
constexpr std::string_view kPermitted =
    "run as root, or give a dataDir that this user may write to";

/// What to do where `code` keeps a ring from being made.
std::string_view remedy_of(int code) {
  return code == EROFS ? kWritable : kPermitted;
}

/// A directory that was there keeps its mode; the ring in it is its owner's alone whatever that is.
void inspect_mode(const std::filesystem::path& directory, Finding& finding) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0 || (info.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  finding.severity = Severity::kWarning;
  finding.found += fmt::format(", mode {:04o}", info.st_mode & 07777);
  finding.consequence = "it is open to others than its owner; the ring itself is not";
  finding.remedy = fmt::format("chmod 0700 {}", directory.string());
}

Finding inspect_access(const std::filesystem::path& directory) {
  Finding finding;
  finding.id = "disk.directory";
  finding.found = directory.string();
  std::error_code ignored;
  if (!std::filesystem::exists(directory, ignored)) {
    finding.found += " is not there yet";
  } else if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    finding.severity = Severity::kFatal;
    finding.remedy = std::string(remedy_of(errno));
    finding.consequence = "no ring can be made in it";
  } else {
    inspect_mode(directory, finding);
  }
  return finding;
}

}  // namespace

Status prepare_data_directory(const std::filesystem::path& directory,
                              std::vector<std::string>& notes) {
  const std::filesystem::path here = or_here(directory);
  std::error_code failure;
  const bool was_there = std::filesystem::exists(here, failure);
  const auto file_system = inspect_file_system(here);
  if (!file_system) return file_system.error();
  const Finding kind = inspect_kind(*file_system);
  if (kind.severity == Severity::kFatal) {
    return Error(fmt::format("{} lies on {}: {}; {}", here.string(), kind.found, kind.consequence,
                             kind.remedy));
  }
  if (kind.severity == Severity::kNote) {
    notes.push_back(fmt::format("{} lies on {}: {}", here.string(), kind.found, kind.consequence));
  }
  if (was_there) return {};
  std::filesystem::create_directories(here, failure);
  if (!failure) std::filesystem::permissions(here, std::filesystem::perms::owner_all, failure);
  if (failure) {
    return Error(fmt::format("cannot make the data directory {}: {}; {}", here.string(),
                             failure.message(), remedy_of(failure.value())));
  }
  return {};
}

Status check_space(const std::filesystem::path& path, std::uint64_t wanted) {
  const auto file_system = inspect_file_system(path);
  if (!file_system) return file_system.error();
  const Finding space =
      inspect_space(*file_system, or_here(path.parent_path()), allocated_bytes(path), wanted);
  if (space.severity != Severity::kFatal) return {};
  return Error(fmt::format("{}: {}; {}", space.consequence, space.found, space.remedy));
}

Findings inspect_data_directory(const std::filesystem::path& directory,
                                std::uint64_t storage_bytes) {
  const std::filesystem::path here = or_here(directory);
  const auto file_system = inspect_file_system(here);
  if (!file_system) {
    return {{.id = "disk.filesystem",
             .severity = Severity::kFatal,
             .found = file_system.error().message(),
             .consequence = "no ring can be made",
             .remedy = "give another agent.dataDir"}};
  }
  return {inspect_access(here), inspect_kind(*file_system),
          inspect_space(*file_system, here, allocated_bytes(here / "ring.pcapng"), storage_bytes)};
}

}  // namespace caprock::store
