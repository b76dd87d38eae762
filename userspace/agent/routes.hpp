// SPDX-License-Identifier: Apache-2.0
// What the agent answers over HTTP.
#pragma once

#include <functional>
#include <vector>

#include "agent/top.hpp"
#include "api/status.hpp"
#include "http/message.hpp"
#include "store/ring.hpp"

namespace caprock::agent {

/// The table of routes. `status` runs on the control plane; exports, tails and looks at the top
/// read the ring's file on worker threads. All must outlive the server.
std::vector<http::Route> routes(const store::Ring& ring, Top& top,
                                std::function<api::AgentStatus()> status);

}  // namespace caprock::agent
