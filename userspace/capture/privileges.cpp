// SPDX-License-Identifier: Apache-2.0
#include "capture/privileges.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace caprock::capture {
namespace {

struct Capability {
  int number;
  std::string_view name;
};
// CAP_SYS_ADMIN because the maps inside other maps are opened by their ids.
constexpr Capability kNeeded[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                  {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};

constexpr ino_t kHostPids = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h

std::uint64_t effective_capabilities() {
  constexpr std::string_view kField = "CapEff:";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kField)) return std::stoull(line.substr(kField.size()), nullptr, 16);
  }
  return 0;
}

}  // namespace

Finding inspect_privileges() {
  const std::uint64_t held = effective_capabilities();
  std::vector<std::string_view> missing;
  for (const auto& [number, name] : kNeeded) {
    if ((held >> number & 1) == 0) missing.push_back(name);
  }
  Finding finding{.id = "privileges", .found = "may load and attach BPF programs"};
  if (missing.empty()) return finding;
  finding.severity = Severity::kFatal;
  finding.found = fmt::format("without {}", fmt::join(missing, " and "));
  finding.consequence = "BPF programs cannot be loaded and attached";
  finding.remedy = "run as root, with sudo, or give the service these capabilities";
  return finding;
}

bool sees_host_pids() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) != 0 || info.st_ino == kHostPids;
}

Finding inspect_process_view() {
  Finding finding{.id = "processes", .found = "sees the processes of the host"};
  if (!sees_host_pids()) {
    finding.severity = Severity::kWarning;
    finding.found = "in a PID namespace of its own";
    finding.consequence =
        "containers of processes and addresses of other network namespaces are not known";
    finding.remedy =
        "hostPID: true on Kubernetes, --pid host for a container; where the node is itself a "
        "container, this cannot be had";
  } else if ((effective_capabilities() >> CAP_SYS_PTRACE & 1) == 0) {
    finding.severity = Severity::kWarning;
    finding.found = "without CAP_SYS_PTRACE";
    finding.consequence =
        "addresses of other network namespaces are not known, nor whose their UDP sockets are";
    finding.remedy = "run as root, with sudo, or give the service this capability";
  }
  return finding;
}

}  // namespace caprock::capture
