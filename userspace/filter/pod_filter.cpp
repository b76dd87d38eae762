// SPDX-License-Identifier: Apache-2.0
#include "filter/pod_filter.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <utility>

namespace caprock::filter {
namespace {

bool names_all(const std::string& regex) {
  return regex.empty() || regex == ".*";
}

}  // namespace

Result<PodFilter> PodFilter::from(const config::Tap& tap) {
  auto labels = LabelSelector::parse(tap.label_selector);
  if (!labels) return std::move(labels).error().context("tap.labelSelector");
  std::shared_ptr<const RE2> regex;
  if (!names_all(tap.regex)) {
    regex = std::make_shared<const RE2>(tap.regex, RE2::Quiet);
    if (!regex->ok()) return Error(regex->error()).context("tap.regex");
  }
  PodFilter filter(std::move(regex), *std::move(labels));
  filter.namespaces_ = {tap.namespaces.begin(), tap.namespaces.end()};
  filter.excluded_ = {tap.excluded_namespaces.begin(), tap.excluded_namespaces.end()};
  return filter;
}

bool PodFilter::restricts() const {
  return regex_ || !namespaces_.empty() || !excluded_.empty() || !labels_.selects_everything();
}

PodVerdict PodFilter::judge(const kubernetes::Pod& pod) const {
  const auto left_out = [](std::string reason) { return PodVerdict{false, std::move(reason)}; };
  if (excluded_.contains(pod.namespace_name)) return left_out("tap.excludedNamespaces");
  const auto annotation = pod.annotations.find(kCaptureAnnotation);
  if (annotation != pod.annotations.end()) {
    const std::string reason =
        fmt::format("annotation {}: {}", annotation->first, annotation->second);
    if (annotation->second == "true") return {true, reason};
    if (annotation->second == "false") return left_out(reason);
  }
  if (!namespaces_.empty() && !namespaces_.contains(pod.namespace_name))
    return left_out("not in tap.namespaces");
  if (regex_ && !RE2::PartialMatch(pod.name, *regex_)) return left_out("tap.regex does not match");
  if (!labels_.matches(pod.labels)) return left_out("tap.labelSelector does not match");
  return {true, restricts() ? "tap" : "all pods"};
}

}  // namespace caprock::filter
