// SPDX-License-Identifier: Apache-2.0
#include "capture/privileges.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>

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

}  // namespace caprock::capture
