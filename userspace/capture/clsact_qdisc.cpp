// SPDX-License-Identifier: Apache-2.0
#include "capture/clsact_qdisc.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "capture/libbpf_log.hpp"
#include "capture/tc_filters.hpp"

namespace caprock::capture {
namespace {

bpf_tc_hook clsact_hook(std::uint32_t ifindex) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point =
      static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);  // the qdisc itself
  return hook;
}

bool has_filters(std::uint32_t ifindex, caprock_direction direction) {
  const auto filters = list_tc_filters(ifindex, direction);
  return !filters || !filters->empty();
}

}  // namespace

Result<ClsactQdisc> ClsactQdisc::ensure(std::uint32_t ifindex) {
  const LibbpfLog silence;  // libbpf would print that there is one already
  bpf_tc_hook hook = clsact_hook(ifindex);
  const int error = -bpf_tc_hook_create(&hook);
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
  bpf_tc_hook hook = clsact_hook(ifindex_);
  bpf_tc_hook_destroy(&hook);
}

}  // namespace caprock::capture
