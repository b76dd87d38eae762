// SPDX-License-Identifier: Apache-2.0
// Programs of others on the hooks that caprock uses.
#pragma once

#include "core/finding.hpp"

namespace caprock::capture {

/// One finding per device that has some; one that says so where there are none. Our own are left
/// out.
Findings survey_hooks();

}  // namespace caprock::capture
