// SPDX-License-Identifier: Apache-2.0
// Services, and which pods of this node stand behind them.
#pragma once

#include <map>
#include <string>

#include "kubernetes/entry.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

using Pods = std::map<std::string, Pod>;          // by uid
using Services = std::map<std::string, Service>;  // by uid

/// The service is there, and these of the node's pods stand behind it.
void write_service(EntryWriter& out, const Service& service, const Pods& pods);

/// The service was made, changed, or is gone (`after` null).
void write_service_changes(EntryWriter& out, const Service* before, const Service* after);

/// Of the node's pods, which have come to stand behind the service by its change, or no longer do.
void write_endpoint_changes(EntryWriter& out, const Service* before, const Service* after,
                            const Pods& pods);

/// Of the services, behind which the pod has come to stand by its change, or no longer does.
void write_endpoint_changes(EntryWriter& out, const Pod* before, const Pod* after,
                            const Services& services);

}  // namespace caprock::kubernetes
