// SPDX-License-Identifier: Apache-2.0
// Whether this process may load and attach BPF programs.
#pragma once

#include "core/finding.hpp"

namespace caprock::capture {

Finding inspect_privileges();

}  // namespace caprock::capture
