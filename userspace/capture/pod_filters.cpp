// SPDX-License-Identifier: Apache-2.0
#include "capture/pod_filters.hpp"

#include <sys/types.h>

#include <algorithm>
#include <map>

#include "capture/attachment.hpp"
#include "capture/device.hpp"
#include "capture/device_monitor.hpp"
#include "capture/tc_filters.hpp"
#include "core/network_namespace.hpp"
#include "core/processes.hpp"

namespace caprock::capture {
namespace {

/// Another agent that somebody runs in that namespace has filters of another name.
bool is_ours(const TcFilter& filter) {
  return filter.name.starts_with("pod_ingress") || filter.name.starts_with("pod_end");
}

void remove_filter(std::uint32_t ifindex) {
  const auto filters = list_tc_filters(ifindex, CAPROCK_INGRESS);
  if (filters && std::ranges::any_of(*filters, is_ours))
    remove_clsact_filter({ifindex, CAPROCK_INGRESS, {}});
}

/// In the namespace of that inode.
void remove_filters_here(std::uint32_t network, const AttachedDevices& attached) {
  const auto devices = read_devices();
  if (!devices) return;
  for (const auto& [ifindex, device] : *devices) {
    const bool wanted = ifindex == kLoopbackIfindex ? attached.devices.contains(network)
                                                    : attached.has_end(network, ifindex);
    if (!wanted) remove_filter(ifindex);
  }
}

}  // namespace

void remove_pod_filters(const AttachedDevices& attached) {
  std::map<std::uint32_t, pid_t> others;  // a process of each
  for (const pid_t pid : all_processes())
    others.emplace(network_of(pid), pid);
  others.erase(own_network());
  others.erase(0);
  for (const auto& [inode, pid] : others)
    (void)do_inside({inode, pid}, [&, network = inode] { remove_filters_here(network, attached); });
}

}  // namespace caprock::capture
