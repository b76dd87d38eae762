// SPDX-License-Identifier: Apache-2.0
#include "agent/top_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <utility>

#include "export/flow_text.hpp"
#include "export/own_loopback.hpp"

namespace caprock::agent {
namespace {

using exporting::FlowTraffic;
using exporting::HostEnd;
using exporting::MeteredInterface;
using exporting::RecentOwners;
using exporting::Trouble;
using exporting::Volume;

struct Process {
  std::uint32_t pid = 0;  // 0: not known
  std::string comm;
  std::string container;
  std::string pod;
};

/// Its source is the local end.
struct OwnedFlow {
  FlowTraffic traffic;
  Process local;
  Process remote;
};

struct Row {
  api::TopRow row;
  std::vector<std::size_t> flows;  // in it, by their place in the list of all
};

Process owner_of(const exporting::Flow& flow, std::int64_t time_ns, const RecentOwners& owners) {
  const exporting::Process* const owner = owners.of(flow, time_ns);
  if (owner == nullptr) return {};
  return {owner->pid, owner->comm, std::string(owners.container_of(owner->pid)),
          std::string(owners.pod_of(owner->pid))};
}

/// Where an owner is known; else where the packets leave the host; else, as a server's port is
/// mostly the lesser one, the client.
bool source_is_local(const OwnedFlow& flow) {
  const auto& [traffic, source, destination] = flow;
  if ((source.pid == 0) != (destination.pid == 0)) return source.pid != 0;
  if (traffic.host_end != HostEnd::kUnknown) return traffic.host_end == HostEnd::kSource;
  return traffic.flow.source.port >= traffic.flow.destination.port;
}

/// Null where the flow has none.
const MeteredInterface* interface_of(const FlowTraffic& traffic,
                                     const std::vector<MeteredInterface>& interfaces) {
  const bool known = traffic.interface && *traffic.interface < interfaces.size();
  return known ? &interfaces[*traffic.interface] : nullptr;
}

/// Whether events tell whose it is.
bool is_told(const FlowTraffic& traffic, const std::vector<MeteredInterface>& interfaces) {
  const MeteredInterface* const interface = interface_of(traffic, interfaces);
  return interface == nullptr || !interface->of_pod ||
         !exporting::is_of_every_namespace(traffic.flow);
}

OwnedFlow owned(FlowTraffic traffic, const RecentOwners& owners,
                const std::vector<MeteredInterface>& interfaces) {
  const auto& [flow, time_ns] = std::tie(traffic.flow, traffic.last_ns);
  OwnedFlow owned{.traffic = traffic, .local = {}, .remote = {}};
  if (is_told(traffic, interfaces)) {
    owned.local = owner_of(flow, time_ns, owners);
    owned.remote = owner_of(flow.reversed(), time_ns, owners);
  }
  if (source_is_local(owned)) return owned;
  std::swap(owned.local, owned.remote);
  std::swap(owned.traffic.forward, owned.traffic.backward);
  owned.traffic.flow = flow.reversed();
  return owned;
}

void add(api::TopCounts& to, const Trouble& trouble) {
  to.retransmissions += trouble.retransmissions;
  to.drops += trouble.drops;
  to.resets += trouble.resets;
}

void add(api::TopCounts& to, const Volume& volume) {
  to.bytes += volume.bytes;
  to.packets += volume.packets;
}

void add(api::TopCounts& to, const Volume& sent, const Volume& received) {
  add(to, sent);
  add(to, received);
  to.sent_bytes += sent.bytes;
  to.sent_packets += sent.packets;
  to.received_bytes += received.bytes;
  to.received_packets += received.packets;
}

void add(api::TopCounts& to, const api::TopCounts& more) {
  add(to, Volume{more.sent_packets, more.sent_bytes},
      Volume{more.received_packets, more.received_bytes});
  add(to, Trouble{more.retransmissions, more.drops, more.resets});
}

api::TopCounts counts_of(const FlowTraffic& traffic) {
  api::TopCounts counts;
  add(counts, traffic.forward, traffic.backward);
  add(counts, traffic.trouble);
  return counts;
}

/// As the other end has it.
api::TopCounts reversed(api::TopCounts counts) {
  std::swap(counts.sent_bytes, counts.received_bytes);
  std::swap(counts.sent_packets, counts.received_packets);
  return counts;
}

void set_rates(api::TopCounts& counts, Nanoseconds window) {
  const double seconds = std::chrono::duration<double>(window).count();
  counts.bytes_per_second = static_cast<double>(counts.bytes) / seconds;
  counts.packets_per_second = static_cast<double>(counts.packets) / seconds;
}

std::vector<Row> rows_by_flow(const std::vector<OwnedFlow>& flows) {
  std::vector<Row> rows;
  rows.reserve(flows.size());
  for (std::size_t place = 0; place < flows.size(); ++place) {
    Row& row = rows.emplace_back();
    row.flows = {place};
    add(row.row, counts_of(flows[place].traffic));
  }
  return rows;
}

/// `key`: what processes of one row have in common; `name` puts it into the row.
template <class Key, class Name>
std::vector<Row> rows_by(const std::vector<OwnedFlow>& flows, Key key, Name name) {
  std::map<decltype(key(Process())), Row> groups;
  const auto take = [&](const Process& process, std::size_t place, const api::TopCounts& counts) {
    auto& [row, flows_of_row] = groups[key(process)];
    flows_of_row.push_back(place);
    row.flows = flows_of_row.size();
    name(row, process);
    add(row, counts);
  };
  for (std::size_t place = 0; place < flows.size(); ++place) {
    const OwnedFlow& flow = flows[place];
    const api::TopCounts counts = counts_of(flow.traffic);
    take(flow.local, place, counts);
    if (flow.remote.pid != 0 && key(flow.remote) != key(flow.local))
      take(flow.remote, place, reversed(counts));
  }
  std::vector<Row> rows;
  for (auto& [ignored, row] : groups)
    rows.push_back(std::move(row));
  return rows;
}

std::vector<Row> rows_of(const std::vector<OwnedFlow>& flows, const std::string& by) {
  if (by == api::kByFlow) return rows_by_flow(flows);
  if (by == api::kByContainer) {
    return rows_by(
        flows, [](const Process& process) { return process.container; },
        [](api::TopRow& row, const Process& process) {
          row.container = process.container;
          if (row.pod.empty() && !row.container.empty()) row.pod = process.pod;
        });
  }
  return rows_by(
      flows, [](const Process& process) { return process.pid; },
      [](api::TopRow& row, const Process& process) {
        row.pid = process.pid;
        row.comm = process.comm;
        row.container = process.container;
        row.pod = process.pod;
      });
}

std::uint64_t sort_value(const api::TopCounts& counts, const std::string& sort) {
  if (sort == "packets") return counts.packets;
  if (sort == "retransmissions") return counts.retransmissions;
  if (sort == "drops") return counts.drops;
  return counts.bytes;
}

/// Keeps the rows with most, as many as are wanted.
void cut(std::vector<Row>& rows, const TopQuery& query) {
  const auto rank = [&](const Row& row) {
    return std::tuple(sort_value(row.row, query.sort), row.row.bytes, row.row.packets, row.row.pid);
  };
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(query.limit, rows.size()));
  std::ranges::partial_sort(rows, end, std::ranges::greater(), rank);
  rows.erase(end, rows.end());
}

/// The sum of the flows that are in none of the rows.
api::TopCounts not_shown(const std::vector<Row>& rows, const std::vector<OwnedFlow>& flows) {
  std::vector<bool> shown(flows.size());
  for (const Row& row : rows) {
    for (const std::size_t place : row.flows)
      shown[place] = true;
  }
  api::TopCounts rest;
  for (std::size_t place = 0; place < flows.size(); ++place) {
    if (!shown[place]) add(rest, counts_of(flows[place].traffic));
  }
  return rest;
}

void describe_flow(api::TopRow& row, const OwnedFlow& flow,
                   const std::vector<MeteredInterface>& interfaces) {
  const FlowTraffic& traffic = flow.traffic;
  row.protocol = exporting::protocol_text(traffic.flow);
  row.local = exporting::end_text(traffic.flow.source);
  row.remote = exporting::end_text(traffic.flow.destination);
  if (const MeteredInterface* const interface = interface_of(traffic, interfaces))
    row.interface = interface->name;
  std::tie(row.pid, row.comm, row.container, row.pod) =
      std::tie(flow.local.pid, flow.local.comm, flow.local.container, flow.local.pod);
  std::tie(row.remote_pid, row.remote_comm, row.remote_container, row.remote_pod) =
      std::tie(flow.remote.pid, flow.remote.comm, flow.remote.container, flow.remote.pod);
}

}  // namespace

api::TopReport top_report(const exporting::Traffic& traffic,
                          const std::vector<MeteredInterface>& interfaces,
                          const RecentOwners& owners, const TopQuery& query) {
  api::TopReport report;
  report.by = query.by;
  report.sort = query.sort;
  std::vector<OwnedFlow> flows;
  for (FlowTraffic& flow : traffic.flows()) {
    flows.push_back(owned(std::move(flow), owners, interfaces));
    add(report.total, counts_of(flows.back().traffic));
  }
  std::vector<Row> rows = rows_of(flows, query.by);
  report.flows = flows.size();
  report.rows_in_all = rows.size();
  cut(rows, query);
  report.other = not_shown(rows, flows);
  for (api::TopCounts* counts : {&report.total, &report.other}) {
    add(*counts, traffic.other());
    add(*counts, traffic.other_trouble());
    set_rates(*counts, query.window);
  }
  for (Row& row : rows) {
    if (query.by == api::kByFlow) describe_flow(row.row, flows[row.flows.front()], interfaces);
    set_rates(row.row, query.window);
    report.rows.push_back(std::move(row.row));
  }
  return report;
}

}  // namespace caprock::agent
