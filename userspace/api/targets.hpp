// SPDX-License-Identifier: Apache-2.0
// Which pods are recorded, and why each other one is not: what GET /api/v1/targets says. Every
// field is explained in docs/kubernetes.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/time.hpp"
#include "core/result.hpp"

namespace caprock::api {

/// A pod of this node.
struct Target {
  std::string namespace_name;
  std::string pod;
  bool targeted = false;  // by the capture filter
  std::string reason;     // why, or why not
  std::vector<std::string> addresses;
  std::vector<std::string> interfaces;  // its links on this host; empty: none found
  std::string note;                     // why a targeted one is not recorded on a link of its own
};

/// A kind of objects of the API server.
struct WatchedResource {
  std::string name;
  bool synced = false;
  std::uint64_t objects = 0;
  std::uint64_t requests = 0;  // since the agent's start
  std::uint64_t bytes = 0;
  std::string error;  // why it is not followed at the moment; empty: it is
};

struct TargetsReport {
  std::string node;
  bool enabled = false;    // agent.kubernetes.enabled; without it there is nothing below
  bool restricts = false;  // the filter leaves out something; otherwise the host is recorded, too
  std::vector<WatchedResource> resources;
  std::vector<std::string> notes;  // what does not hold at the moment, one line each
  std::vector<Target> targets;     // by namespace and name
};

/// The document as JSON, indented.
std::string to_json_text(const TargetsReport& report);

Result<TargetsReport> parse_targets(std::string_view json);

/// For people: notes and a table.
std::string targets_table(const TargetsReport& report);

}  // namespace caprock::api
