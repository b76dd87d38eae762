// SPDX-License-Identifier: Apache-2.0
// Which devices are recorded: a pure function of the devices there are and what the configuration
// asks for.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "abi/filter.h"

#include "capture/device.hpp"
#include "capture/host_addresses.hpp"
#include "core/network_namespace.hpp"

namespace caprock::capture {

struct InterfaceWishes {
  std::vector<std::string> interfaces;    // names and globs; empty: auto
  std::vector<std::string> excluded;      // names and globs; exclusion wins
  bool xdp = false;                       // agent.hook: xdp
  std::vector<std::string> mirrors = {};  // names and globs of ports given to caprock
  bool mirror_force = false;              // also those over which this host is reached
  bool overlays = false;                  // VXLAN and Geneve on their own devices
};

/// kMirror: by XDP too, and consumed.
enum class IngressHook { kTc, kXdp, kMirror };

/// A device to record, and how.
struct SelectedDevice {
  Device device;
  interface_link link = LINK_ETHERNET;
  IngressHook ingress = IngressHook::kTc;
  bool egress = true;   // false on loopback, where every packet that goes out comes in again, and
                        // on mirror ports
  bool mirror = false;  // asked for as a mirror port
  std::string refusal;  // why it is not taken as one; empty: it is
  std::optional<ProcessNetwork> network = {};  // of a pod, in which the device is; none: the host's
  std::uint32_t end_of = 0;  // ifindex of the host's link of which it is the pod's end; 0: of none
};

struct OmittedDevice {
  std::string name;
  std::string reason;  // "bridge: its packets are seen on its ports"
};

struct InterfaceSelection {
  std::vector<SelectedDevice> selected;
  std::vector<OmittedDevice> omitted;
  std::vector<std::string>
      unmatched;  // names and globs asked for that no device has, with their key
};

/// `auto` takes loopback, every device that is up and has no lower device, and the host ends of
/// veths, so that no packet is seen twice on its way through a bond, bridge, VLAN or overlay. A
/// list takes what it names, whatever it is. Either way a device must be up and carry Ethernet or
/// IP. Mirror ports are taken beside either; one over which the host is reached, by one of
/// `addresses`, is recorded as others are.
InterfaceSelection select_interfaces(const DeviceMap& devices, const InterfaceWishes& wishes,
                                     const HostAddresses& addresses = {});

/// The loopback of a pod.
SelectedDevice select_loopback(const ProcessNetwork& network);

/// The other end of a link, inside of the pod that it leads to.
SelectedDevice select_pod_end(const Device& link, const ProcessNetwork& network);

/// Devices that the kernel says packets came in by although they were met on one of `recorded`
/// (ifindexes) below: bridges, bonds, VLANs and so on.
std::set<std::uint32_t> devices_above(const DeviceMap& devices,
                                      const std::set<std::uint32_t>& recorded);

}  // namespace caprock::capture
