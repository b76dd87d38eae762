// SPDX-License-Identifier: Apache-2.0
// Loopback addresses are those of each network namespace anew: whose a flow between them is, events
// tell of the host's alone.
#pragma once

#include "core/pod_loopback.hpp"
#include "export/packet_flow.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// Whether packets of the interface are those of a pod's own loopback.
inline bool is_pods_loopback(const pcapng::InterfaceView& interface) {
  return is_pod_loopback(interface.description());
}

/// Whether the flow is another one in each namespace that has it.
inline bool is_of_every_namespace(const Flow& flow) {
  return is_loopback(flow.source.address) || is_loopback(flow.destination.address);
}

}  // namespace caprock::exporting
