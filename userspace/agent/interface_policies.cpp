// SPDX-License-Identifier: Apache-2.0
#include "agent/interface_policies.hpp"

#include <bit>
#include <utility>

#include "core/log.hpp"

namespace caprock::agent {
namespace {

constexpr interface_policy kCovered{.id = 0,
                                    .mode = INTERFACE_OFF,
                                    .link = LINK_ETHERNET,
                                    .roles = ROLE_INTERFACE | ROLE_ONCE,
                                    .port = 0};

bool same_policy(const interface_policy& a, const interface_policy& b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void report_failure(const Status& status) {
  if (!status) report_error(status.error().message());
}

}  // namespace

InterfacePolicies::InterfacePolicies(Recorder& recorder)
    : recorder_(&recorder), policies_(recorder.programs()), records_(recorder.programs()) {}

Status InterfacePolicies::set(std::uint32_t ifindex, const interface_policy& policy,
                              const InterfaceRecord& record) {
  const auto known = in_force_.find(ifindex);
  const bool is_known = known != in_force_.end();
  if (is_known && same_policy(known->second, policy)) return {};
  if (!is_known || known->second.id != policy.id)
    if (auto written = records_.set(policy.id, record); !written) return written;
  if (auto written = policies_.set(ifindex, policy); !written) return written;
  in_force_.insert_or_assign(ifindex, policy);
  return {};
}

Status InterfacePolicies::remove(std::uint32_t ifindex) {
  in_force_.erase(ifindex);
  return policies_.remove(ifindex);
}

Status InterfacePolicies::vacate(std::uint32_t id) const {
  return records_.set(id, {});
}

void InterfacePolicies::set_covered(std::set<std::uint32_t> covered,
                                    const std::set<std::uint32_t>& recorded) {
  for (const std::uint32_t ifindex : covered_) {
    if (!covered.contains(ifindex) && !recorded.contains(ifindex))
      report_failure(policies_.remove(ifindex));
  }
  std::erase_if(covered, [&](std::uint32_t ifindex) {
    if (covered_.contains(ifindex)) return false;
    const Status written = policies_.set(ifindex, kCovered);
    report_failure(written);
    return !written;
  });
  covered_ = std::move(covered);
}

void InterfacePolicies::set_tunnel_ports(std::set<std::uint16_t> ports) {
  if (tunnel_ports_ == ports) return;
  const auto written = recorder_->settings().write_tunnel_ports(ports);
  if (!written) return report_error(written.error().message());
  tunnel_ports_ = std::move(ports);
}

void InterfacePolicies::remove_stale(const std::set<std::uint32_t>& recorded) const {
  const auto ifindexes = policies_.ifindexes();
  if (!ifindexes) return report_error(ifindexes.error().message());
  for (const std::uint32_t ifindex : *ifindexes)
    if (!recorded.contains(ifindex) && !covered_.contains(ifindex))
      report_failure(policies_.remove(ifindex));
}

}  // namespace caprock::agent
