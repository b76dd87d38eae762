// SPDX-License-Identifier: Apache-2.0
#include "capture/clsact_qdisc.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "capture/libbpf_log.hpp"
#include "capture/libbpf_options.hpp"
#include "capture/tc_filters.hpp"

namespace caprock::capture {
namespace {

struct ClsactHook {
  LibbpfOptions<bpf_tc_hook> hook;

  explicit ClsactHook(std::uint32_t ifindex) {
    hook->ifindex = static_cast<int>(ifindex);
    hook->attach_point =
        static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);  // the qdisc itself
  }
};

bool has_filters(std::uint32_t ifindex, caprock_direction direction) {
  const auto filters = list_tc_filters(ifindex, direction);
  return !filters || !filters->empty();
}

}  // namespace

Result<ClsactQdisc> ClsactQdisc::ensure(std::uint32_t ifindex) {
  const LibbpfLog silence;  // libbpf would print that there is one already
  ClsactHook clsact(ifindex);
  const int error = -bpf_tc_hook_create(clsact.hook.get());
  if (error != 0 && error != EEXIST) return Error::from_errno("create the clsact qdisc", error);
  return ClsactQdisc(ifindex, error == 0);
}

ClsactQdisc::ClsactQdisc(ClsactQdisc&& other) noexcept
    : ifindex_(other.ifindex_), made_(std::exchange(other.made_, false)) {}

ClsactQdisc& ClsactQdisc::operator=(ClsactQdisc&& other) noexcept {
  std::swap(ifindex_, other.ifindex_);
  std::swap(made_, other.made_);
  return *this;
}

ClsactQdisc::~ClsactQdisc() {
  if (!made_ || has_filters(ifindex_, CAPROCK_INGRESS) || has_filters(ifindex_, CAPROCK_EGRESS))
    return;
  const LibbpfLog silence;
  ClsactHook clsact(ifindex_);
  bpf_tc_hook_destroy(clsact.hook.get());
}

}  // namespace caprock::capture
