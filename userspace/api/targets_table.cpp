// SPDX-License-Identifier: Apache-2.0
// The targets for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/targets.hpp"
#include "api/text_table.hpp"

namespace caprock::api {
namespace {

std::string list_text(const std::vector<std::string>& texts) {
  return texts.empty() ? "-" : fmt::format("{}", fmt::join(texts, ","));
}

std::string reason_text(const Target& target) {
  return target.note.empty() ? target.reason : fmt::format("{}; {}", target.reason, target.note);
}

std::string summary(const TargetsReport& report) {
  const auto targeted = std::ranges::count_if(report.targets, &Target::targeted);
  return fmt::format(
      "{} of {} pods of node {} are targets; {}\n", targeted, report.targets.size(), report.node,
      report.restricts ? "nothing else is recorded" : "the host's own traffic is recorded, too");
}

}  // namespace

std::string targets_table(const TargetsReport& report) {
  if (!report.enabled)
    return "no pods are followed (agent.kubernetes.enabled): every interface is recorded as "
           "agent.interfaces says\n";
  std::string text = summary(report);
  for (const auto& resource : report.resources)
    if (!resource.error.empty())
      text += fmt::format("note: {}: {}\n", resource.name, resource.error);
  for (const auto& note : report.notes)
    text += fmt::format("note: {}\n", note);
  TextTable table({"NAMESPACE", "POD", "TARGET", "INTERFACE", "ADDRESS", "REASON"});
  for (const Target& target : report.targets)
    table.add({target.namespace_name, target.pod, target.targeted ? "yes" : "no",
               list_text(target.interfaces), list_text(target.addresses), reason_text(target)});
  return report.targets.empty() ? text : text + "\n" + table.text();
}

}  // namespace caprock::api
