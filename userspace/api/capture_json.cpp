// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "api/capture.hpp"
#include "api/json.hpp"

namespace caprock::api {
namespace {

struct Member {
  std::string_view pointer;  // in the document (RFC 6901)
  std::string_view key;      // of the configuration
};

constexpr std::array<Member, 5> kMembers = {{{"/regex", "tap.regex"},
                                             {"/namespaces", "tap.namespaces"},
                                             {"/excludedNamespaces", "tap.excludedNamespaces"},
                                             {"/labelSelector", "tap.labelSelector"},
                                             {"/raw/enabled", "tap.capture.raw.enabled"}}};

/// Appends what the patch says below `pointer`.
Status collect(const Json& patch, const std::string& pointer, std::vector<std::string>& out) {
  const auto member = std::ranges::find(kMembers, pointer, &Member::pointer);
  if (member != kMembers.end()) {
    out.push_back(fmt::format("{}={}", member->key, patch.dump()));
    return {};
  }
  const bool inner = std::ranges::any_of(
      kMembers, [&](const Member& known) { return known.pointer.starts_with(pointer + "/"); });
  if (!inner)
    return Error(fmt::format("there is no {} to change; GET shows what there is", pointer));
  if (!patch.is_object())
    return Error(fmt::format("{} must be an object", pointer.empty() ? "the change" : pointer));
  for (const auto& [name, value] : patch.items())
    if (auto taken = collect(value, pointer + "/" + name, out); !taken) return taken;
  return {};
}

}  // namespace

constexpr auto fields(const RawCapture&) {
  return std::tuple(Field{"enabled", &RawCapture::enabled});
}

constexpr auto fields(const CaptureDocument&) {
  using S = CaptureDocument;
  return std::tuple(Field{"regex", &S::regex}, Field{"namespaces", &S::namespaces},
                    Field{"excludedNamespaces", &S::excluded_namespaces},
                    Field{"labelSelector", &S::label_selector}, Field{"raw", &S::raw},
                    Field{"changed", &S::changed});
}

std::string to_json_text(const CaptureDocument& document) {
  constexpr int kIndent = 2;
  return text_of(Json(document), kIndent);
}

Result<std::vector<std::string>> assignments_of(std::string_view patch) {
  const Json change = Json::parse(patch, nullptr, false);
  if (change.is_discarded()) return Error("the change is no JSON");
  std::vector<std::string> assignments;
  if (auto taken = collect(change, "", assignments); !taken) return std::move(taken).error();
  return assignments;
}

}  // namespace caprock::api
