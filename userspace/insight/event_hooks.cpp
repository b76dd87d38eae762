// SPDX-License-Identifier: Apache-2.0
#include "insight/event_hooks.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace caprock::insight {

void EventHooks::LinkDeleter::operator()(bpf_link* link) const {
  bpf_link__destroy(link);
}

Status EventHooks::attach(const EventHook& hook) {
  std::vector<Link> links;
  for (const bpf_program* program : hook.programs) {
    links.emplace_back(bpf_program__attach(program));
    if (!links.back()) return Error::from_errno(bpf_program__section_name(program));
  }
  for (Link& link : links)
    links_.push_back(std::move(link));
  attached_.insert(attached_.end(), hook.programs.begin(), hook.programs.end());
  name(hook.types, bpf_program__section_name(hook.programs.back()));
  return {};
}

void EventHooks::name(const std::vector<os_event_type>& types, const std::string& hook) {
  for (const os_event_type type : types) {
    if (origins_[type].hook.empty()) origins_[type].hook = hook;
  }
}

void EventHooks::explain(const std::vector<os_event_type>& types, const std::string& reason) {
  for (const os_event_type type : types) {
    if (origins_[type].reason.empty()) origins_[type].reason = reason;
  }
}

std::vector<std::pair<std::string, std::uint64_t>> EventHooks::skipped() const {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const bpf_program* program : attached_) {
    bpf_prog_info info{};
    __u32 bytes = sizeof info;
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes) == 0)
      all.emplace_back(bpf_program__section_name(program), info.recursion_misses);
  }
  return all;
}

void EventHooks::detach() {
  links_.clear();
}

}  // namespace caprock::insight
