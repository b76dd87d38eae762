// SPDX-License-Identifier: Apache-2.0
#include "agent/top_rows.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "export/flow_text.hpp"

namespace caprock::agent {
namespace {

using exporting::FlowTraffic;
using exporting::HostEnd;
using exporting::RecentOwners;
using exporting::Trouble;
using exporting::Volume;

struct Process {
  std::uint32_t pid = 0;  // 0: not known
  std::string comm;
  std::string container;
};

/// Its source is the local end.
struct OwnedFlow {
  FlowTraffic traffic;
  Process local;
  Process remote;
};

struct Row {
  api::TopRow row;
  const OwnedFlow* flow = nullptr;  // by flow
};

Process owner_of(const exporting::Flow& flow, std::int64_t time_ns, const RecentOwners& owners) {
  const exporting::Process* const owner = owners.of(flow, time_ns);
  if (owner == nullptr) return {};
  return {owner->pid, owner->comm, std::string(owners.container_of(owner->pid))};
}

/// Where an owner is known; else where the packets leave the host; else, as a server's port is
/// mostly the lesser one, the client.
bool source_is_local(const OwnedFlow& flow) {
  const auto& [traffic, source, destination] = flow;
  if ((source.pid == 0) != (destination.pid == 0)) return source.pid != 0;
  if (traffic.host_end != HostEnd::kUnknown) return traffic.host_end == HostEnd::kSource;
  return traffic.flow.source.port >= traffic.flow.destination.port;
}

OwnedFlow owned(FlowTraffic traffic, const RecentOwners& owners) {
  const auto& [flow, time_ns] = std::tie(traffic.flow, traffic.last_ns);
  OwnedFlow owned{.traffic = traffic,
                  .local = owner_of(flow, time_ns, owners),
                  .remote = owner_of(flow.reversed(), time_ns, owners)};
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
  for (const OwnedFlow& flow : flows) {
    Row& row = rows.emplace_back();
    row.flow = &flow;
    add(row.row, counts_of(flow.traffic));
  }
  return rows;
}

/// `key`: what processes of one row have in common; `name` puts it into the row.
template <class Key, class Name>
std::vector<Row> rows_by(const std::vector<OwnedFlow>& flows, Key key, Name name) {
  std::map<decltype(key(Process())), Row> groups;
  const auto take = [&](const Process& process, const api::TopCounts& counts) {
    const auto [group, added] = groups.try_emplace(key(process));
    api::TopRow& row = group->second.row;
    row.flows = added ? 1 : row.flows + 1;
    name(row, process);
    add(row, counts);
  };
  for (const OwnedFlow& flow : flows) {
    const api::TopCounts counts = counts_of(flow.traffic);
    take(flow.local, counts);
    if (flow.remote.pid != 0 && key(flow.remote) != key(flow.local))
      take(flow.remote, reversed(counts));
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
        [](api::TopRow& row, const Process& process) { row.container = process.container; });
  }
  return rows_by(
      flows, [](const Process& process) { return process.pid; },
      [](api::TopRow& row, const Process& process) {
        row.pid = process.pid;
        row.comm = process.comm;
        row.container = process.container;
      });
}

std::uint64_t sort_value(const api::TopCounts& counts, const std::string& sort) {
  if (sort == "packets") return counts.packets;
  if (sort == "retransmissions") return counts.retransmissions;
  if (sort == "drops") return counts.drops;
  return counts.bytes;
}

/// Puts the rows with most in front, as many as are wanted; returns the sum of the rest.
api::TopCounts cut(std::vector<Row>& rows, const TopQuery& query) {
  const auto rank = [&](const Row& row) {
    return std::tuple(sort_value(row.row, query.sort), row.row.bytes, row.row.packets, row.row.pid);
  };
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(query.limit, rows.size()));
  std::ranges::partial_sort(rows, end, std::ranges::greater(), rank);
  api::TopCounts rest;
  for (auto row = end; row != rows.end(); ++row)
    add(rest, row->row);
  rows.erase(end, rows.end());
  return rest;
}

void describe_flow(api::TopRow& row, const OwnedFlow& flow,
                   const std::vector<std::string>& interfaces) {
  const FlowTraffic& traffic = flow.traffic;
  row.protocol = exporting::protocol_text(traffic.flow);
  row.local = exporting::end_text(traffic.flow.source);
  row.remote = exporting::end_text(traffic.flow.destination);
  if (traffic.interface && *traffic.interface < interfaces.size())
    row.interface = interfaces[*traffic.interface];
  std::tie(row.pid, row.comm, row.container) =
      std::tie(flow.local.pid, flow.local.comm, flow.local.container);
  std::tie(row.remote_pid, row.remote_comm, row.remote_container) =
      std::tie(flow.remote.pid, flow.remote.comm, flow.remote.container);
}

}  // namespace

api::TopReport top_report(const exporting::Traffic& traffic,
                          const std::vector<std::string>& interfaces, const RecentOwners& owners,
                          const TopQuery& query) {
  api::TopReport report;
  report.by = query.by;
  report.sort = query.sort;
  std::vector<OwnedFlow> flows;
  for (FlowTraffic& flow : traffic.flows()) {
    flows.push_back(owned(std::move(flow), owners));
    add(report.total, counts_of(flows.back().traffic));
  }
  std::vector<Row> rows = rows_of(flows, query.by);
  report.flows = flows.size();
  report.rows_in_all = rows.size();
  report.other = cut(rows, query);
  for (api::TopCounts* counts : {&report.total, &report.other}) {
    add(*counts, traffic.other());
    add(*counts, traffic.other_trouble());
    set_rates(*counts, query.window);
  }
  for (Row& row : rows) {
    if (row.flow != nullptr) describe_flow(row.row, *row.flow, interfaces);
    set_rates(row.row, query.window);
    report.rows.push_back(std::move(row.row));
  }
  return report;
}

}  // namespace caprock::agent
