// SPDX-License-Identifier: Apache-2.0
// What the agent answers over HTTP.
#pragma once

#include <functional>
#include <vector>

#include "agent/top.hpp"
#include "api/capture.hpp"
#include "api/status.hpp"
#include "api/targets.hpp"
#include "core/result.hpp"
#include "http/message.hpp"
#include "store/ring.hpp"

namespace caprock::agent {

/// What is asked of the agent itself, on the control plane.
struct ControlRoutes {
  std::function<api::AgentStatus()> status;
  std::function<api::TargetsReport()> targets;
  std::function<api::CaptureDocument()> capture;
  /// Takes assignments to keys of the configuration.
  std::function<Status(const std::vector<std::string>&)> change_capture;
};

/// The table of routes. Exports, tails and looks at the top read the ring's file on worker threads.
/// All must outlive the server.
std::vector<http::Route> routes(const store::Ring& ring, Top& top, const ControlRoutes& control);

}  // namespace caprock::agent
