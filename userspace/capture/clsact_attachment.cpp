// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>

#include "capture/attachment.hpp"
#include "capture/libbpf_log.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint32_t kHandle = 0xca9;  // tells our filter from others of the same priority
constexpr std::uint32_t kPriority = 1;    // first in order; among equals the newest comes first

bpf_tc_hook make_hook(std::uint32_t ifindex, caprock_direction direction) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = direction == CAPROCK_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts own_filter() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

class ClsactAttachment final : public Attachment {
 public:
  ClsactAttachment(bpf_tc_hook hook, std::uint32_t program_id)
      : hook_(hook), program_id_(program_id) {}

  ~ClsactAttachment() override {
    if (!in_place()) return;
    const LibbpfLog silence;
    const bpf_tc_opts options = own_filter();
    bpf_tc_detach(&hook_, &options);
  }

  Hook hook() const override { return Hook::kClsact; }

  bool in_place() const override {
    const LibbpfLog silence;  // libbpf would print that there is no such filter
    bpf_tc_opts options = own_filter();
    return bpf_tc_query(&hook_, &options) == 0 && options.prog_id == program_id_;
  }

 private:
  bpf_tc_hook hook_;
  std::uint32_t program_id_;
};

}  // namespace

AttachResult attach_clsact(int program_fd, const AttachPoint& point) {
  const LibbpfLog log;
  const bpf_tc_hook hook = make_hook(point.ifindex, point.direction);
  bpf_tc_opts options = own_filter();
  options.prog_fd = program_fd;
  options.flags = BPF_TC_F_REPLACE;  // the filter of an agent that died is taken over without a gap
  if (const int error = -bpf_tc_attach(&hook, &options); error != 0) {
    return Error::from_errno(
        fmt::format("attach a clsact filter of priority {} ({})", kPriority, log.summary()), error);
  }
  return std::unique_ptr<Attachment>(std::make_unique<ClsactAttachment>(hook, options.prog_id));
}

void remove_clsact_leftover(const AttachPoint& point) {
  const LibbpfLog silence;
  const bpf_tc_hook hook = make_hook(point.ifindex, point.direction);
  const bpf_tc_opts options = own_filter();
  bpf_tc_detach(&hook, &options);
}

}  // namespace caprock::capture
