// SPDX-License-Identifier: Apache-2.0
#include "insight/container.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <utility>

namespace caprock::insight {
namespace {

constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kMostKnown = 4096;

bool is_digit(char letter) {
  return std::isxdigit(static_cast<unsigned char>(letter)) != 0;
}

/// What stands in front of the first slash, which goes with it.
std::string_view take_part(std::string_view& path) {
  const auto end = path.find('/');
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(end == path.npos ? path.size() : end + 1);
  return part;
}

/// "cri-containerd-<id>.scope", "<id>".
std::string_view container_id_in(std::string_view part) {
  for (std::size_t at = 0; at < part.size();) {
    const auto* begin = part.data() + at;
    const auto* end = std::find_if_not(begin, part.data() + part.size(), is_digit);
    const auto digits = static_cast<std::size_t>(end - begin);
    if (digits == kIdDigits) return part.substr(at, digits);
    at += digits + 1;
  }
  return {};
}

/// A UUID (RFC 4122), or of a static pod 32 digits.
bool is_uid(std::string_view text) {
  constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  constexpr std::string_view kHash = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  const auto fits = [](char letter, char pattern) {
    return pattern == 'x' ? is_digit(letter) : letter == pattern;
  };
  return std::ranges::equal(text, text.size() == kUuid.size() ? kUuid : kHash, fits);
}

/// "kubepods-burstable-pod<uid with _>.slice", "pod<uid>"; empty: it is no pod's.
std::string pod_uid_in(std::string_view part) {
  constexpr std::string_view kPod = "pod";
  constexpr std::string_view kSlice = ".slice";
  const bool slice = part.ends_with(kSlice);
  if (slice) part.remove_suffix(kSlice.size());
  const auto at = slice ? part.rfind("-pod") : 0;
  if (at == part.npos || (slice && part.substr(0, at).find("kubepods") == part.npos)) return {};
  part.remove_prefix(slice ? at + 1 : 0);
  if (!part.starts_with(kPod)) return {};
  std::string uid(part.substr(kPod.size()));
  if (slice) std::ranges::replace(uid, '_', '-');
  return is_uid(uid) ? uid : std::string();
}

/// What proc(5) says of a process.
struct Place {
  ContainerIdentity container;
  std::string path;       // in the hierarchy of version 2
  bool version2 = false;  // it alone has controllers, and the path can be looked at
  bool zombie = false;
  std::uint64_t start_ticks = 0;  // of the boot-time clock; 0: the process is gone
};

/// cgroups(7).
void read_groups(Place& place, const std::string& folder) {
  constexpr std::string_view kVersion2 = "0::";
  bool version1 = false;
  std::ifstream file(folder + "/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (place.container.container.empty()) {
      if (auto found = container_in(line); found != ContainerIdentity{})
        place.container = std::move(found);
    }
    if (line.starts_with(kVersion2))
      place.path = line.substr(kVersion2.size());
    else
      version1 = true;
  }
  // Outside of our own cgroup namespace its inode cannot be asked for.
  place.version2 = !version1 && !place.path.empty() && !place.path.starts_with("/..");
}

/// proc_pid_stat(5): the fields are behind the name, which may have any letter.
void read_state(Place& place, const std::string& folder) {
  constexpr int kFieldsBetween = 18;  // state and start
  std::ifstream file(folder + "/stat");
  std::string text;
  std::getline(file, text, '\0');  // of a process that ends meanwhile an iterator would throw
  std::istringstream fields(text.substr(std::min(text.rfind(')'), text.size() - 1) + 1));
  std::string field;
  fields >> field;
  place.zombie = field == "Z";
  for (int i = 0; i < kFieldsBetween; ++i)
    fields >> field;
  fields >> place.start_ticks;
}

/// In this order: a process that had started before the first look is the one that was looked at.
Place place_of(const std::string& folder) {
  Place place;
  read_groups(place, folder);
  read_state(place, folder);
  return place;
}

std::uint64_t ticks(std::uint64_t ns) {
  static const auto ns_per_tick =
      std::uint64_t{1'000'000'000} / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ns / ns_per_tick;
}

/// 0: it is gone.
std::uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(("/sys/fs/cgroup" + path).c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

ContainerIdentity container_in(std::string_view cgroup_path) {
  ContainerIdentity found;
  bool of_pod = false;
  while (!cgroup_path.empty()) {
    const std::string_view part = take_part(cgroup_path);
    if (std::string uid = pod_uid_in(part); !uid.empty()) {
      found = {.container = {}, .pod_uid = std::move(uid)};
      of_pod = false;
      continue;
    }
    const std::string_view id = container_id_in(part);
    if (id.empty() || of_pod) continue;
    found.container = id;
    of_pod = !found.pod_uid.empty();
  }
  return found;
}

ContainerIdentity Containers::of(const os_task& task) {
  if (const auto found = known_.find(task.cgroup); found != known_.end()) return found->second;
  Place place = place_of(folder_of(task.pid));
  if (!place.version2) {
    const bool there = place.start_ticks != 0 && place.start_ticks == ticks(task.start_ns);
    // A zombie is in no group of version 1 any more.
    const bool tells = there && !(place.zombie && place.container == ContainerIdentity{});
    return of_process({task.pid, task.start_ns}, tells ? &place.container : nullptr);
  }
  if (inode_of(place.path) != task.cgroup) return {};
  if (known_.size() == kMostKnown) known_.clear();
  known_.emplace(task.cgroup, place.container);
  return place.container;
}

/// `now`: null, the process does not tell any more.
ContainerIdentity Containers::of_process(const ProcessKey& process, const ContainerIdentity* now) {
  const auto known = processes_.find(process);
  if (now == nullptr) return known == processes_.end() ? ContainerIdentity{} : known->second;
  if (processes_.size() == kMostKnown && known == processes_.end()) processes_.clear();
  if (*now == ContainerIdentity{})
    processes_.erase(process);
  else
    processes_[process] = *now;
  return *now;
}

ContainerIdentity Containers::of(std::uint32_t pid) const {
  return place_of(folder_of(pid)).container;
}

std::string Containers::folder_of(std::uint32_t pid) const {
  return fmt::format("{}/{}", proc_, pid);
}

}  // namespace caprock::insight
