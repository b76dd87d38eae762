// SPDX-License-Identifier: Apache-2.0
#include "export/recent_owners.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "export/socket_event.hpp"
#include "store/window.hpp"

namespace caprock::exporting {
namespace {

constexpr std::int64_t kHindsightNs = 60'000'000'000;

std::uint32_t pid_of(const pcapng::Block& journal) {
  const std::string_view digits = pcapng::journal_field(journal, "_PID");
  std::uint32_t pid = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return pid;
}

}  // namespace

RecentOwners::RecentOwners(std::int64_t from_ns, std::size_t max_tenures)
    : max_tenures_(max_tenures),
      told_until_ns_(from_ns),
      needed_from_ns_(from_ns),
      owners_(from_ns) {}

Status RecentOwners::catch_up(const store::RingView& view, std::int64_t until_ns,
                              const std::function<bool()>& wanted) {
  needed_from_ns_ = until_ns - kHindsightNs;
  forget();
  if (told_until_ns_ >= until_ns) return {};
  auto window = store::Window::open(
      view, {.from_ns = told_until_ns_, .to_ns = until_ns, .source = SourceKind::kEvents});
  if (!window) return std::move(window).error();
  for (Bytes stretch = window->next_stretch(); !stretch.empty(); stretch = window->next_stretch()) {
    if (!wanted()) return Error("the client has gone, or the agent stops");
    pcapng::BlockCursor cursor(stretch);
    while (const auto block = cursor.next())
      take(*block);
  }
  told_until_ns_ = until_ns;
  return {};
}

void RecentOwners::leave_off() {
  told_until_ns_ = std::max(told_until_ns_, last_taken_ns_);
}

void RecentOwners::take(const pcapng::Block& journal) {
  const std::int64_t time_ns = pcapng::journal_time_ns(journal).value_or(0);
  if (pcapng::journal_field(journal, "CAPROCK_LAYER") != "os" || time_ns < told_until_ns_) return;
  last_taken_ns_ = std::max(last_taken_ns_, time_ns);
  owners_.take(journal);
  if (const std::uint32_t pid = pid_of(journal); pid != 0) take_container(journal, pid, time_ns);
  if (!pcapng::journal_field(journal, "CAPROCK_FLOW").empty()) ++tenures_;
  if (tenures_ + containers_.size() > max_tenures_) forget();
}

/// A number of a process that has ended may be another one's, of which a program's start tells. The
/// end of its sockets may be told behind its own.
void RecentOwners::take_container(const pcapng::Block& journal, std::uint32_t pid,
                                  std::int64_t time_ns) {
  const std::string_view id = pcapng::journal_field(journal, "CAPROCK_CONTAINER");
  const std::string_view event = pcapng::journal_field(journal, "CAPROCK_EVENT");
  if (event == "exec") containers_.erase(pid);
  if (!id.empty()) containers_[pid].id = id;
  if (std::string pod = pod_in(journal); !pod.empty()) containers_[pid].pod = std::move(pod);
  if (event != "exit") return;
  if (const auto known = containers_.find(pid); known != containers_.end())
    known->second.end_ns = time_ns;
}

/// Half of the room is to be free then, as it is all gone through. Where many come and go, those
/// that have gone make room for those that stay.
void RecentOwners::forget() {
  forget(needed_from_ns_);
  if (is_half_free()) return;
  forget(last_taken_ns_ + ConnectionOwners::kLingerNs);
  forget(needed_from_ns_);  // what goes from now on is kept again
  if (is_half_free()) return;
  owners_.forget_sockets();
  containers_.clear();
  tenures_ = 0;
}

void RecentOwners::forget(std::int64_t needed_from_ns) {
  tenures_ = owners_.forget(needed_from_ns);
  std::erase_if(containers_, [&](const auto& container) {
    return container.second.end_ns <= needed_from_ns - ConnectionOwners::kLingerNs;
  });
}

bool RecentOwners::is_half_free() const {
  return tenures_ + containers_.size() <= max_tenures_ / 2;
}

const Process* RecentOwners::of(const Flow& flow, std::int64_t time_ns) const {
  return owners_.of(flow, time_ns);
}

std::string_view RecentOwners::container_of(std::uint32_t pid) const {
  const auto known = containers_.find(pid);
  return known == containers_.end() ? std::string_view() : known->second.id;
}

std::string_view RecentOwners::pod_of(std::uint32_t pid) const {
  const auto known = containers_.find(pid);
  return known == containers_.end() ? std::string_view() : known->second.pod;
}

}  // namespace caprock::exporting
