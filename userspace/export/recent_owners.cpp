// SPDX-License-Identifier: Apache-2.0
#include "export/recent_owners.hpp"

#include <charconv>
#include <utility>

#include "store/window.hpp"

namespace caprock::exporting {
namespace {

std::uint32_t pid_of(const pcapng::Block& journal) {
  const std::string_view digits = pcapng::journal_field(journal, "_PID");
  std::uint32_t pid = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return pid;
}

}  // namespace

RecentOwners::RecentOwners(std::int64_t from_ns, std::size_t generation)
    : generation_(generation),
      told_until_ns_(from_ns),
      young_(std::make_unique<FlowOwners>()),
      old_(std::make_unique<FlowOwners>()) {}

Status RecentOwners::catch_up(const store::RingView& view, std::int64_t until_ns,
                              const std::function<bool()>& wanted) {
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

void RecentOwners::take(const pcapng::Block& journal) {
  if (pcapng::journal_field(journal, "CAPROCK_LAYER") != "os" ||
      pcapng::journal_time_ns(journal).value_or(0) < told_until_ns_) {
    return;
  }
  young_->take(journal);
  const std::uint32_t pid = pid_of(journal);
  if (pid == 0) return;
  take_container(journal, pid);
  const bool of_socket = !pcapng::journal_field(journal, "CAPROCK_FLOW").empty();
  if (of_socket && ++taken_ >= generation_) age();
}

/// A number of a process that has ended may be another one's, of which a program's start tells.
void RecentOwners::take_container(const pcapng::Block& journal, std::uint32_t pid) {
  const std::string_view container = pcapng::journal_field(journal, "CAPROCK_CONTAINER");
  if (container.empty()) {
    if (pcapng::journal_field(journal, "CAPROCK_EVENT") == "exec") containers_.erase(pid);
    return;
  }
  if (containers_.size() >= generation_) containers_.age();
  containers_.put(pid, std::string(container));
}

const Process* RecentOwners::of(const Flow& flow, std::int64_t time_ns) {
  if (const Process* owner = young_->of(flow, time_ns)) return owner;
  if (const Process* owner = old_->of(flow, time_ns)) {
    if (asked_for_.size() >= generation_) asked_for_.age();
    asked_for_.put(flow, *owner);
  }
  return asked_for_.find(flow);
}

std::string_view RecentOwners::container_of(std::uint32_t pid) {
  const std::string* const container = containers_.find(pid);
  return container == nullptr ? std::string_view() : *container;
}

void RecentOwners::age() {
  old_ = std::exchange(young_, std::make_unique<FlowOwners>());
  asked_for_.age();
  taken_ = 0;
}

}  // namespace caprock::exporting
