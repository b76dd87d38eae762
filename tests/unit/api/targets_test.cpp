// SPDX-License-Identifier: Apache-2.0
#include "api/targets.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock::api;

namespace {

TargetsReport example() {
  TargetsReport report;
  report.node = "node-1";
  report.enabled = true;
  report.restricts = true;
  report.resources = {
      {.name = "pods", .synced = true, .objects = 2, .requests = 2, .bytes = 99, .error = {}},
      {.name = "events",
       .synced = false,
       .objects = 0,
       .requests = 1,
       .bytes = 9,
       .error = "403: list of events is not allowed"}};
  report.targets = {{.namespace_name = "kube-system",
                     .pod = "coredns-5d78",
                     .targeted = false,
                     .reason = "not in tap.namespaces",
                     .addresses = {"10.244.0.2"},
                     .interfaces = {"vethc1"},
                     .note = {}},
                    {.namespace_name = "shop",
                     .pod = "frontend-7c9",
                     .targeted = true,
                     .reason = "tap",
                     .addresses = {"10.244.0.7", "fd00::7"},
                     .interfaces = {},
                     .note = "no link of it is known"}};
  return report;
}

}  // namespace

TEST_CASE("targets: for people") {
  CHECK(targets_table(example()) ==
        "1 of 2 pods of node node-1 are targets; nothing else is recorded\n"
        "note: events: 403: list of events is not allowed\n"
        "\n"
        "NAMESPACE    POD           TARGET  INTERFACE  ADDRESS             REASON\n"
        "kube-system  coredns-5d78  no      vethc1     10.244.0.2          not in tap.namespaces\n"
        "shop         frontend-7c9  yes     -          10.244.0.7,fd00::7  tap; no link of it is "
        "known\n");
  CHECK(targets_table({}).starts_with("no pods are followed (agent.kubernetes.enabled)"));
}

TEST_CASE("targets: what was written is read") {
  const auto read = parse_targets(to_json_text(example()));
  REQUIRE(read);
  CHECK(to_json_text(*read) == to_json_text(example()));
  CHECK_FALSE(parse_targets("nonsense"));
}
