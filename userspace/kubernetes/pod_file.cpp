// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/pod_file.hpp"

#include <fmt/format.h>

#include <utility>

#include <nlohmann/json.hpp>

#include "core/text_file.hpp"
#include "kubernetes/object_json.hpp"

namespace caprock::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = 16 << 20;
constexpr const char* kSomeTime = "1970-01-01T00:00:00Z";  // which one it is does not matter

Json to_json(const Pod& pod) {
  Json addresses = Json::array();
  for (const auto& address : pod.addresses)
    addresses.push_back({{"ip", address}});
  Labels annotations = pod.annotations;
  if (!pod.static_uid.empty()) {
    annotations.emplace(kMirror, pod.static_uid);
    annotations.emplace(kConfigHash, pod.static_uid);
  }
  Json metadata = {{"uid", pod.uid},
                   {"namespace", pod.namespace_name},
                   {"name", pod.name},
                   {"labels", pod.labels},
                   {"annotations", annotations}};
  if (pod.deleting) metadata["deletionTimestamp"] = kSomeTime;
  return {{"metadata", std::move(metadata)},
          {"spec", {{"nodeName", pod.node}, {"hostNetwork", pod.host_network}}},
          {"status",
           {{"phase", pod.phase}, {"podIPs", std::move(addresses)}, {"hostIP", pod.host_address}}}};
}

}  // namespace

std::string list_text(const std::map<std::string, Pod>& pods) {
  Json items = Json::array();
  for (const auto& [uid, pod] : pods)
    items.push_back(to_json(pod));
  const Json list = {{"kind", "PodList"}, {"apiVersion", "v1"}, {"items", std::move(items)}};
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<Pod>> read_pods(const std::filesystem::path& file) {
  std::vector<Pod> pods;
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) return pods;
  const auto text = read_text(file, kMaxBytes);
  if (!text) return text.error().context(file.string());
  const Json list = Json::parse(*text, nullptr, false);
  if (!list.is_object() || !list.contains("items") || !list["items"].is_array())
    return Error(
        fmt::format("{}: not a list of pods; it is written anew when the API server has told them",
                    file.string()));
  for (const Json& item : list["items"])
    pods.push_back(parse_pod(item));
  return pods;
}

}  // namespace caprock::kubernetes
