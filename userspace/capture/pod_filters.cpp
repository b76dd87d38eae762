// SPDX-License-Identifier: Apache-2.0
#include "capture/pod_filters.hpp"

#include <sys/types.h>

#include <algorithm>
#include <map>

#include "capture/attachment.hpp"
#include "capture/device.hpp"
#include "capture/tc_filters.hpp"
#include "core/network_namespace.hpp"
#include "core/processes.hpp"

namespace caprock::capture {
namespace {

/// Another agent that somebody runs in that namespace has filters of another name.
bool is_ours(const TcFilter& filter) {
  return filter.name.starts_with("pod_ingress");
}

void remove_filter_here() {
  const auto filters = list_tc_filters(kLoopbackIfindex, CAPROCK_INGRESS);
  if (filters && std::ranges::any_of(*filters, is_ours))
    remove_clsact_filter({kLoopbackIfindex, CAPROCK_INGRESS, {}});
}

}  // namespace

void remove_pod_filters(const std::set<std::uint32_t>& attached) {
  std::map<std::uint32_t, pid_t> others;  // a process of each
  for (const pid_t pid : all_processes())
    others.emplace(network_of(pid), pid);
  others.erase(own_network());
  for (const auto& [inode, pid] : others)
    if (inode != 0 && !attached.contains(inode)) (void)do_inside({inode, pid}, remove_filter_here);
}

}  // namespace caprock::capture
