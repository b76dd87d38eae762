// SPDX-License-Identifier: Apache-2.0
// What happened to the containers of a pod.
#pragma once

#include "kubernetes/entry.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

void write_container_changes(EntryWriter& out, const Pod& before, const Pod& after);

}  // namespace caprock::kubernetes
