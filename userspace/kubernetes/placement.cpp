// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/placement.hpp"

#include <algorithm>

#include "kubernetes/json_fields.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {
namespace {

bool is_selected(const Json& selector, const Labels& labels) {
  return std::ranges::all_of(texts_by_name(selector), [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

bool holds(const Json& requirement, const Labels& labels) {
  const auto found = labels.find(text(requirement, "key"));
  const bool present = found != labels.end();
  const auto& values = field(requirement, "values");
  const bool listed = present && std::ranges::any_of(values, [&](const Json& value) {
                        return text(value) == found->second;
                      });
  const std::string how = text(requirement, "operator");
  if (how == "In") return listed;
  if (how == "NotIn") return !listed;
  if (how == "Exists") return present;
  return how != "DoesNotExist" || !present;
}

/// One without requirements selects no node.
bool is_met(const Json& term, const Labels& labels, const Labels& fields) {
  const auto& by_label = field(term, "matchExpressions");
  const auto& by_field = field(term, "matchFields");
  const auto all_hold = [](const Json& requirements, const Labels& of) {
    return std::ranges::all_of(requirements, [&](const Json& one) { return holds(one, of); });
  };
  return (!by_label.empty() || !by_field.empty()) && all_hold(by_label, labels) &&
         all_hold(by_field, fields);
}

bool is_attracted(const Json& affinity, const Labels& labels, const Labels& fields) {
  const auto& required =
      field(field(affinity, "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution");
  if (!required.is_object()) return true;
  return std::ranges::any_of(field(required, "nodeSelectorTerms"),
                             [&](const Json& term) { return is_met(term, labels, fields); });
}

bool tolerates(const Json& toleration, const Json& taint) {
  const auto fits = [&](const char* name) {  // what is not said fits
    const std::string said = text(toleration, name);
    return said.empty() || said == text(taint, name);
  };
  const std::string how = text(toleration, "operator");
  const bool by_value = how.empty() || how == "Equal";
  return fits("effect") && fits("key") &&
         (!by_value || text(toleration, "value") == text(taint, "value"));
}

bool repels(const Json& taint, const Json& tolerations) {
  return text(taint, "effect") != "PreferNoSchedule" &&
         !text(taint, "key").starts_with("node.kubernetes.io/") &&
         std::ranges::none_of(tolerations, [&](const Json& one) { return tolerates(one, taint); });
}

}  // namespace

bool has_place(const Json& daemon_set, const Json& node) {
  const auto& pod = field(field(field(daemon_set, "spec"), "template"), "spec");
  const auto& metadata = field(node, "metadata");
  const Labels labels = texts_by_name(field(metadata, "labels"));
  const Labels fields = {{"metadata.name", text(metadata, "name")}};
  return is_selected(field(pod, "nodeSelector"), labels) &&
         is_attracted(field(pod, "affinity"), labels, fields) &&
         std::ranges::none_of(field(field(node, "spec"), "taints"), [&](const Json& taint) {
           return repels(taint, field(pod, "tolerations"));
         });
}

}  // namespace caprock::kubernetes
