// SPDX-License-Identifier: Apache-2.0
// What is to be recorded, as GET /api/v1/capture says it and PATCH changes it. docs/kubernetes.md
// explains it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace caprock::api {

struct RawCapture {
  bool enabled = true;
};

/// The keys of the configuration's section tap by their own names.
struct CaptureDocument {
  std::string regex;
  std::vector<std::string> namespaces;
  std::vector<std::string> excluded_namespaces;
  std::string label_selector;
  RawCapture raw;
  bool changed = false;  // since the configuration was loaded, which takes it back when it is again
};

/// The document as JSON, indented.
std::string to_json_text(const CaptureDocument& document);

/// A JSON merge patch (RFC 7396) of such a document as assignments to keys of the configuration, as
/// `--set` takes them: "tap.namespaces=[\"shop\"]"; null: as the configuration has it. Refuses what
/// is none of its members; values are the configuration's to judge.
Result<std::vector<std::string>> assignments_of(std::string_view patch);

}  // namespace caprock::api
