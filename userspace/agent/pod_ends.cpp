// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_ends.hpp"

#include <fmt/format.h>

#include <iterator>
#include <set>
#include <utility>

#include "core/log.hpp"

namespace caprock::agent {
namespace {

pod_end place_of(const capture::SelectedDevice& selected) {
  return {.network = selected.network->inode, .ifindex = selected.device.ifindex};
}

bool same_place(const capture::SelectedDevice& a, const capture::SelectedDevice& b) {
  return a.network->inode == b.network->inode && a.device.ifindex == b.device.ifindex;
}

void report_failure(const capture::SelectedDevice& end, const Error& error) {
  report_error(fmt::format("{}: what is sent to the pod past this link is not seen there: {}",
                           end.device.name, error.message()));
}

}  // namespace

void PodEnds::set(const PodEndSelection& wanted, const capture::AttachOptions& options) {
  for (auto it = ends_.begin(); it != ends_.end();) {
    const auto next = std::next(it);
    const auto found = wanted.find(it->first);
    if (found == wanted.end() || !same_place(found->second, it->second.selected)) forget(it);
    it = next;
  }
  for (const auto& [link, selected] : wanted) {
    const auto [place, is_new] = ends_.try_emplace(link);
    End& end = place->second;
    end.selected = selected;
    if (end.attachment) end.attachment->enter_by(*selected.network);
    if (is_new) attach(end, options);
  }
}

void PodEnds::repair(const capture::AttachOptions& options) {
  for (auto& [link, end] : ends_) {
    if (end.attachment && end.attachment->in_place()) continue;
    if (!end.selected.network->is_there()) continue;  // that will be told
    end.attachment.reset();
    attach(end, options);
  }
}

/// First the map, so that nothing is missed from the first packet on.
void PodEnds::attach(End& end, const capture::AttachOptions& options) {
  if (auto told = map_.set(place_of(end.selected), end.selected.end_of); !told)
    return report_failure(end.selected, told.error());
  auto attached = capture::DeviceAttachment::attach(*programs_, end.selected, options);
  if (!attached) return report_failure(end.selected, attached.error());
  end.attachment.emplace(*std::move(attached));
}

void PodEnds::forget(std::map<std::uint32_t, End>::iterator it) {
  it->second.attachment.reset();
  if (auto removed = map_.remove(place_of(it->second.selected)); !removed)
    report_error(removed.error().message());
  ends_.erase(it);
}

void PodEnds::keep() {
  for (auto& [link, end] : ends_)
    if (end.attachment) end.attachment->keep();
  ends_.clear();
}

Status PodEnds::remove_stale() const {
  std::set<std::uint32_t> links;
  for (const auto& [link, end] : ends_)
    links.insert(link);
  return map_.remove_others(links);
}

std::map<std::uint32_t, pod_end> PodEnds::attached() const {
  std::map<std::uint32_t, pod_end> places;
  for (const auto& [link, end] : ends_)
    if (end.attachment) places.emplace(link, place_of(end.selected));
  return places;
}

std::string PodEnds::hooks(std::uint32_t link) const {
  const auto found = ends_.find(link);
  if (found == ends_.end() || !found->second.attachment) return {};
  return found->second.attachment->hooks() + " in the pod";
}

}  // namespace caprock::agent
