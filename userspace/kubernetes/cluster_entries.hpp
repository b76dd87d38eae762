// SPDX-License-Identifier: Apache-2.0
// The node, namespaces, and what Kubernetes itself tells by events.
#pragma once

#include "kubernetes/entry.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// The node is there.
void write_node(EntryWriter& out, const Node& node);

void write_node_changes(EntryWriter& out, const Node& before, const Node& after);

/// The namespace is there, was made, or is gone, as the type says.
void write_namespace(EntryWriter& out, EntryType type, const Namespace& of);

void write_event(EntryWriter& out, const Event& event);

}  // namespace caprock::kubernetes
