// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/placement.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>

using namespace caprock::kubernetes;
using Json = nlohmann::json;

namespace {

struct Case {
  const char* what;
  const char* pod;  // of the template, its spec
  bool has_place;
};

const Json kNode = Json::parse(R"({
  "metadata": {"name": "n1", "labels": {"os": "linux", "zone": "a"}},
  "spec": {"taints": []}})");

Json daemon_set(const std::string& pod) {
  return {{"spec", {{"template", {{"spec", Json::parse(pod)}}}}}};
}

std::string affinity(const std::string& terms) {
  return R"({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":)"
         R"({"nodeSelectorTerms": [)" +
         terms + "]}}}}";
}

std::string requirement(const std::string& requirement) {
  return affinity(R"({"matchExpressions": [)" + requirement + "]}");
}

}  // namespace

TEST_CASE("placement: every label of the node selector must be the node's") {
  const auto& [what, pod, expected] = GENERATE(values<Case>({
      {"none", "{}", true},
      {"empty", R"({"nodeSelector": {}})", true},
      {"both", R"({"nodeSelector": {"os": "linux", "zone": "a"}})", true},
      {"another value", R"({"nodeSelector": {"os": "linux", "zone": "b"}})", false},
      {"not there", R"({"nodeSelector": {"record": ""}})", false},
  }));
  INFO(what);
  CHECK(has_place(daemon_set(pod), kNode) == expected);
}

TEST_CASE("placement: the required node affinity decides by the node's labels and name") {
  const auto& [what, pod, expected] = GENERATE(values<std::tuple<const char*, std::string, bool>>({
      {"In", requirement(R"({"key": "zone", "operator": "In", "values": ["b", "a"]})"), true},
      {"In, other", requirement(R"({"key": "zone", "operator": "In", "values": ["b"]})"), false},
      {"In, no label", requirement(R"({"key": "disk", "operator": "In", "values": [""]})"), false},
      {"NotIn", requirement(R"({"key": "zone", "operator": "NotIn", "values": ["a"]})"), false},
      {"NotIn, no label", requirement(R"({"key": "disk", "operator": "NotIn", "values": ["a"]})"),
       true},
      {"Exists", requirement(R"({"key": "zone", "operator": "Exists"})"), true},
      {"Exists, no label", requirement(R"({"key": "disk", "operator": "Exists"})"), false},
      {"DoesNotExist", requirement(R"({"key": "zone", "operator": "DoesNotExist"})"), false},
      {"DoesNotExist, no label", requirement(R"({"key": "disk", "operator": "DoesNotExist"})"),
       true},
      {"an operator of another kind",
       requirement(R"({"key": "zone", "operator": "Gt", "values": ["1"]})"), true},
      {"all of a term",
       requirement(
           R"({"key": "zone", "operator": "Exists"}, {"key": "disk", "operator": "Exists"})"),
       false},
      {"any of the terms",
       affinity(R"({"matchExpressions": [{"key": "disk", "operator": "Exists"}]},
                   {"matchExpressions": [{"key": "zone", "operator": "Exists"}]})"),
       true},
      {"an empty term", affinity("{}"), false},
      {"its name",
       affinity(
           R"({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]})"),
       true},
      {"another name",
       affinity(
           R"({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]})"),
       false},
      {"one that is preferred alone",
       R"({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}})",
       true},
  }));
  INFO(what);
  CHECK(has_place(daemon_set(pod), kNode) == expected);
}

TEST_CASE("placement: a taint keeps away who does not tolerate it") {
  auto node = kNode;
  node["spec"]["taints"] =
      Json::parse(R"([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}])");
  const auto& [what, pod, expected] = GENERATE(values<Case>({
      {"none", "{}", false},
      {"all", R"({"tolerations": [{"operator": "Exists"}]})", true},
      {"key", R"({"tolerations": [{"key": "gpu", "operator": "Exists"}]})", true},
      {"another key", R"({"tolerations": [{"key": "cpu", "operator": "Exists"}]})", false},
      {"value", R"({"tolerations": [{"key": "gpu", "value": "yes"}]})", true},
      {"another value", R"({"tolerations": [{"key": "gpu", "value": "no"}]})", false},
      {"another effect",
       R"({"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]})", false},
      {"an operator of another kind",
       R"({"tolerations": [{"key": "gpu", "operator": "Lt", "value": "1"}]})", true},
  }));
  INFO(what);
  CHECK(has_place(daemon_set(pod), node) == expected);
}

TEST_CASE(
    "placement: taints that are mild, or come and go with the node's state, keep nobody away") {
  auto node = kNode;
  node["spec"]["taints"] = Json::parse(R"([
      {"key": "gpu", "effect": "PreferNoSchedule"},
      {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
      {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}])");
  CHECK(has_place(daemon_set("{}"), node));
}

TEST_CASE("placement: what is not understood is no reason to leave") {
  CHECK(has_place(Json(), Json()));
  CHECK(has_place(daemon_set(R"({"nodeSelector": 1, "affinity": [], "tolerations": ""})"), kNode));
}
