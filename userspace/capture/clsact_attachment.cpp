// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <utility>

#include "capture/attachment.hpp"
#include "capture/libbpf_log.hpp"
#include "capture/libbpf_options.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint32_t kHandle = 0xca9;  // tells our filter from others of the same priority
constexpr std::uint32_t kPriority = 1;    // first in order; among equals the newest comes first

/// Our filter on a device, as libbpf names it.
struct OwnFilter {
  LibbpfOptions<bpf_tc_hook> hook;
  LibbpfOptions<bpf_tc_opts> options;

  explicit OwnFilter(const AttachPoint& point) {
    hook->ifindex = static_cast<int>(point.ifindex);
    hook->attach_point = point.direction == CAPROCK_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    options->handle = kHandle;
    options->priority = kPriority;
  }
};

class ClsactAttachment final : public Attachment {
 public:
  ClsactAttachment(AttachPoint point, std::uint32_t program_id)
      : point_(std::move(point)), program_id_(program_id) {}

  ~ClsactAttachment() override {
    if (!kept_ && in_place()) remove_clsact_filter(point_);
  }

  Hook hook() const override { return Hook::kClsact; }

  bool in_place() const override {
    const LibbpfLog silence;  // libbpf would print that there is no such filter
    OwnFilter filter(point_);
    return bpf_tc_query(filter.hook.get(), filter.options.get()) == 0 &&
           filter.options->prog_id == program_id_;
  }

  /// Where nothing is pinned, nobody has the maps that it would go on filling.
  void keep() override { kept_ = !point_.pin.empty(); }

 private:
  AttachPoint point_;
  std::uint32_t program_id_;
  bool kept_ = false;
};

}  // namespace

AttachResult attach_clsact(int program_fd, const AttachPoint& point) {
  const LibbpfLog log;
  OwnFilter filter(point);
  filter.options->prog_fd = program_fd;
  filter.options->flags =
      BPF_TC_F_REPLACE;  // the filter of an agent that died is taken over without a gap
  if (const int error = -bpf_tc_attach(filter.hook.get(), filter.options.get()); error != 0) {
    return Error::from_errno(
        fmt::format("attach a clsact filter of priority {} ({})", kPriority, log.summary()), error);
  }
  return std::unique_ptr<Attachment>(
      std::make_unique<ClsactAttachment>(point, filter.options->prog_id));
}

void remove_clsact_filter(const AttachPoint& point) {
  const LibbpfLog silence;
  OwnFilter filter(point);
  bpf_tc_detach(filter.hook.get(), filter.options.get());
}

}  // namespace caprock::capture
