// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/pod_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/fd.hpp"
#include "core/text_file.hpp"
#include "kubernetes/object_json.hpp"

namespace caprock::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = 16 << 20;
constexpr mode_t kMode = 0600;

Json to_json(const Pod& pod) {
  Json addresses = Json::array();
  for (const auto& address : pod.addresses)
    addresses.push_back({{"ip", address}});
  Labels annotations = pod.annotations;
  if (!pod.static_uid.empty()) {
    annotations.emplace(kMirror, pod.static_uid);
    annotations.emplace(kConfigHash, pod.static_uid);
  }
  return {{"metadata",
           {{"uid", pod.uid},
            {"namespace", pod.namespace_name},
            {"name", pod.name},
            {"labels", pod.labels},
            {"annotations", annotations}}},
          {"spec", {{"nodeName", pod.node}, {"hostNetwork", pod.host_network}}},
          {"status",
           {{"phase", pod.phase}, {"podIPs", std::move(addresses)}, {"hostIP", pod.host_address}}}};
}

Status write_whole(const std::filesystem::path& file, const std::string& text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
  if (!fd) return Error::from_errno(file.string());
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(fd.get(), text.data() + at, text.size() - at);
    if (written < 0) return Error::from_errno(file.string());
    at += static_cast<std::size_t>(written);
  }
  if (::fdatasync(fd.get()) != 0) return Error::from_errno(file.string());
  return {};
}

}  // namespace

Status write_pods(const std::filesystem::path& file, const std::vector<const Pod*>& pods) {
  Json items = Json::array();
  for (const Pod* pod : pods)
    items.push_back(to_json(*pod));
  const Json list = {{"kind", "PodList"}, {"apiVersion", "v1"}, {"items", std::move(items)}};
  const std::filesystem::path fresh = file.string() + ".new";
  const std::string text = list.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (auto written = write_whole(fresh, text); !written) return written;
  if (std::rename(fresh.c_str(), file.c_str()) != 0) return Error::from_errno(file.string());
  return {};
}

Result<std::vector<Pod>> read_pods(const std::filesystem::path& file) {
  std::vector<Pod> pods;
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) return pods;
  const auto text = read_text(file, kMaxBytes);
  if (!text) return text.error().context(file.string());
  const Json list = Json::parse(*text, nullptr, false);
  if (!list.is_object() || !list.contains("items") || !list["items"].is_array())
    return Error(fmt::format("{}: not a list of pods; remove it", file.string()));
  for (const Json& item : list["items"])
    pods.push_back(parse_pod(item));
  return pods;
}

}  // namespace caprock::kubernetes
