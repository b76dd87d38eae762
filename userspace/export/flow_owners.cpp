// SPDX-License-Identifier: Apache-2.0
#include "export/flow_owners.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/memory_limit.hpp"
#include "export/socket_event.hpp"
#include "store/window.hpp"

namespace caprock::exporting {
namespace {

constexpr std::int64_t kLookBackNs = 3'600'000'000'000;
constexpr std::uint64_t kTenureBytes = 300;  // of a pod's process; others take some 200
constexpr std::uint64_t kMostTenures = 1'048'576;
/// The chart has room for one such export beside the agent: helm/caprock/templates/_memory.tpl.
constexpr std::uint64_t kShareOfMemory = 12;

/// Of these the flow goes from source to destination: neither is an address of the namespace that
/// dropped it, for sure.
bool is_of_packet(std::string_view type) {
  return type == "drop" || type == "bad-checksum";
}

/// All that is kept is gone through to know how much it is: that is not to be often.
Error too_many(std::size_t tenures) {
  return Error(fmt::format(
      "the processes of more than {} connections and sockets would have to be kept in memory at "
      "once: take a narrower window, or leave --process out; the hour before it counts, too",
      tenures));
}

}  // namespace

std::size_t FlowOwners::most_tenures() {
  return std::min(memory_limit_bytes() / kShareOfMemory / kTenureBytes, kMostTenures);
}

Result<FlowOwners> FlowOwners::read(const store::RingView& view, std::int64_t from_ns,
                                    std::int64_t to_ns, std::size_t max_tenures) {
  const std::int64_t begin_ns = std::max<std::int64_t>(from_ns, kLookBackNs) - kLookBackNs;
  auto window = store::Window::open(
      view, {.from_ns = begin_ns, .to_ns = to_ns, .source = SourceKind::kEvents});
  if (!window) return std::move(window).error();
  FlowOwners owners(from_ns);
  std::size_t tenures = 0;  // at the most: an event begins one
  for (Bytes stretch = window->next_stretch(); !stretch.empty(); stretch = window->next_stretch()) {
    pcapng::BlockCursor cursor(stretch);
    while (const auto block = cursor.next()) {
      owners.take(*block);
      if (++tenures <= max_tenures) continue;
      tenures = owners.forget(from_ns);
      if (tenures > max_tenures / 2) return too_many(max_tenures / 2);
    }
  }
  return owners;
}

void FlowOwners::take(const pcapng::Block& journal) {
  const auto event = parse_socket_event(journal);
  if (!event) return;
  if (event->type == "begin" || event->type == "end") take_border(*event);
  if (event->type == "exit") datagrams_.exit(event->process.pid, event->time_ns);
  if (event->type == "addresses") take_addresses(*event);
  if (event->flow && !is_of_packet(event->type)) take_socket(*event);
  last_ns_ = event->time_ns;
}

void FlowOwners::take_addresses(const SocketEvent& event) {
  if (event.own_network) addresses_.set_host(event.network);
  addresses_.tell(event.network, event.addresses, event.time_ns);
}

/// An agent that was killed told no end: the last that it told is the last that is known.
void FlowOwners::take_border(const SocketEvent& event) {
  const bool begins = event.type == "begin";
  const std::int64_t end_ns = begins ? last_ns_ : event.time_ns;
  connections_.interrupt(end_ns, event.time_ns);
  datagrams_.interrupt(end_ns, event.time_ns);
}

void FlowOwners::take_socket(const SocketEvent& event) {
  if (event.network != 0)
    addresses_.notice(event.network, event.flow->source.address, event.time_ns);
  if (event.process.pid == 0 || !addresses_.is_recorded(event.network, event.flow->source.address))
    return;
  if (event.flow->protocol == IPPROTO_TCP) return connections_.take(event);
  if (event.network != 0) datagrams_.take(event);
}

std::size_t FlowOwners::forget(std::int64_t needed_from_ns) {
  needed_from_ns_ = needed_from_ns;
  const std::size_t kept = connections_.forget(needed_from_ns) + datagrams_.forget(needed_from_ns);
  addresses_.forget(needed_from_ns, datagrams_.networks());
  return kept;
}

void FlowOwners::forget_sockets() {
  connections_ = ConnectionOwners(needed_from_ns_);
  datagrams_ = DatagramOwners(needed_from_ns_);
}

const Process* FlowOwners::of(const Flow& flow, std::int64_t time_ns) const {
  if (flow.protocol == IPPROTO_TCP) return connections_.of(flow, time_ns);
  const auto network = addresses_.of(flow.source.address, time_ns);
  return network ? datagrams_.of(*network, flow.source, flow.destination, time_ns) : nullptr;
}

}  // namespace caprock::exporting
