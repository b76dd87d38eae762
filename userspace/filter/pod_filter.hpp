// SPDX-License-Identifier: Apache-2.0
// Which pods are recorded, as the configuration says it (tap.regex, namespaces, excludedNamespaces,
// labelSelector) and their own annotations.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "config/config.hpp"
#include "core/label_selector.hpp"
#include "core/result.hpp"
#include "kubernetes/objects.hpp"

namespace re2 {
class RE2;
}

namespace caprock::filter {

/// "true": recorded although regex, namespaces or labels leave the pod out (an excluded namespace
/// stays excluded); "false": not recorded.
inline constexpr const char* kCaptureAnnotation = "caprock.io/capture";

struct PodVerdict {
  bool targeted = false;
  std::string reason;  // "not in tap.namespaces"; also of one that is targeted
};

/// Immutable.
class PodFilter {
 public:
  static Result<PodFilter> from(const config::Tap& tap);

  PodVerdict judge(const kubernetes::Pod& pod) const;

  /// Whether it leaves out anything: otherwise whatever is no pod is recorded, too.
  bool restricts() const;

  /// The namespaces that it names.
  const std::set<std::string>& namespaces() const { return namespaces_; }
  const std::set<std::string>& excluded_namespaces() const { return excluded_; }

 private:
  PodFilter(std::shared_ptr<const re2::RE2> regex, LabelSelector labels)
      : regex_(std::move(regex)), labels_(std::move(labels)) {}

  std::shared_ptr<const re2::RE2> regex_;  // null: any name
  LabelSelector labels_;
  std::set<std::string> namespaces_;  // empty: all
  std::set<std::string> excluded_;
};

}  // namespace caprock::filter
