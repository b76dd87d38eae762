// SPDX-License-Identifier: Apache-2.0
// What happened to a pod, told from its object before and after.
#pragma once

#include <string>

#include "kubernetes/entry.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// "shop/frontend-7c9".
std::string full_name(const Pod& pod);

/// Namespace, name and uid: fields of every entry about a pod.
Entry& add_pod(Entry& entry, const Pod& pod);

/// The pod is there: all that a later reader has to know of it.
void write_pod(EntryWriter& out, const Pod& pod);

/// The pod has come to this node, changed, or gone (`after` null).
void write_pod_changes(EntryWriter& out, const Pod* before, const Pod* after);

}  // namespace caprock::kubernetes
