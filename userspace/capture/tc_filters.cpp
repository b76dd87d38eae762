// SPDX-License-Identifier: Apache-2.0
#include "capture/tc_filters.hpp"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "capture/netlink.hpp"

namespace caprock::capture {
namespace {

int read_bpf_option(const nlattr* attribute, void* filter) {
  if (mnl_attr_get_type(attribute) == TCA_BPF_NAME)
    static_cast<TcFilter*>(filter)->name = mnl_attr_get_str(attribute);
  return MNL_CB_OK;
}

int read_attribute(const nlattr* attribute, void* context) {
  auto& filter = *static_cast<TcFilter*>(context);
  if (mnl_attr_get_type(attribute) == TCA_KIND) filter.kind = mnl_attr_get_str(attribute);
  if (mnl_attr_get_type(attribute) == TCA_OPTIONS && filter.kind == "bpf") {
    mnl_attr_parse_nested(attribute, read_bpf_option, &filter);
  }
  return MNL_CB_OK;
}

}  // namespace

Result<std::vector<TcFilter>> list_tc_filters(std::uint32_t ifindex, caprock_direction direction) {
  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(ifindex);
  header.tcm_parent =
      TC_H_MAKE(TC_H_CLSACT, direction == CAPROCK_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  const auto answer = netlink_dump(RTM_GETTFILTER, std::as_bytes(std::span(&header, 1)));
  if (!answer) return answer.error().context("read tc filters");
  std::vector<TcFilter> filters;
  for_each_message(*answer, [&](const nlmsghdr& message) {
    const auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&message));
    if (tc->tcm_handle == 0) return;  // the list that a priority's filters hang in, not a filter
    TcFilter filter;
    filter.handle = tc->tcm_handle;
    filter.priority = static_cast<std::uint16_t>(tc->tcm_info >> 16);
    mnl_attr_parse(&message, sizeof(tcmsg), read_attribute, &filter);
    filters.push_back(std::move(filter));
  });
  return filters;
}

}  // namespace caprock::capture
