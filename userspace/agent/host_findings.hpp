// SPDX-License-Identifier: Apache-2.0
// What this host offers and lacks: for `caprock doctor`, the status, and the refusal to start.
#pragma once

#include "config/config.hpp"
#include "core/finding.hpp"
#include "core/result.hpp"

namespace caprock::agent {

/// Looks at kernel, privileges, memory and disk; changes nothing.
Findings inspect_host(const config::Config& config);

/// The first fatal finding as an error.
Status check(const Findings& findings);

}  // namespace caprock::agent
