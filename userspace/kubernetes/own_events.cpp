// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/own_events.hpp"

#include <algorithm>
#include <utility>

#include "kubernetes/object_json.hpp"

namespace caprock::kubernetes {
namespace {

constexpr auto kKeepTime = std::chrono::seconds(5);
constexpr std::size_t kMostKept = 1024;

}  // namespace

void OwnEvents::changed(const nlohmann::json& object) {
  Event event = parse_event(object);
  if (event.object_kind == "Node" && event.object_name == node_) return tell(event);
  if (event.object_kind != "Pod") return;
  if (event.host == node_ || calls_.is_pod_of_node(event.object_uid))
    tell(event);
  else
    keep(std::move(event));
}

void OwnEvents::pod_appeared(const std::string& uid) {
  const auto about = [&](const Kept& kept) { return kept.event.object_uid == uid; };
  for (const auto& kept : kept_)
    if (about(kept)) tell(kept.event);
  std::erase_if(kept_, about);
}

void OwnEvents::tell(const Event& event) {
  ++told_;
  calls_.tell(event);
}

void OwnEvents::keep(Event event) {
  const auto now = Clock::now();
  while (!kept_.empty() && (now - kept_.front().since > kKeepTime || kept_.size() >= kMostKept))
    kept_.pop_front();
  kept_.push_back({now, std::move(event)});
}

}  // namespace caprock::kubernetes
