// SPDX-License-Identifier: Apache-2.0
// The traffic by process, flow or container for people.
#include <fmt/format.h>

#include <utility>

#include "api/count_text.hpp"
#include "api/text_table.hpp"
#include "api/top.hpp"

namespace caprock::api {
namespace {

constexpr std::size_t kShortId =
    12;  // characters of a container's id, as docker ps and crictl show

std::string rate_text(std::uint64_t bytes, const TopReport& report) {
  const double seconds = static_cast<double>(report.window.count()) / 1e9;
  if (seconds <= 0) return "0 B/s";
  return format_size(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) + "/s";
}

/// To the second: who needs more takes the JSON.
std::string time_text(Time time) {
  return format_time(time.ns - time.ns % 1'000'000'000);
}

std::string trouble_text(std::uint64_t count, const TopReport& report) {
  return report.os_enabled ? count_text(static_cast<double>(count)) : "-";
}

std::string process_text(std::uint32_t pid, const std::string& comm) {
  return pid == 0 ? "-" : fmt::format("{}[{}]", comm, pid);
}

std::string container_text(const std::string& id) {
  return id.empty() ? "-" : id.substr(0, kShortId);
}

/// Of processes: people know pods by their names.
std::string pod_or_container_text(const TopRow& row) {
  return row.pod.empty() ? container_text(row.container) : row.pod;
}

TextTable::Row heading(const TopReport& report) {
  TextTable::Row row;
  if (report.by == kByFlow)
    row = {"PROTO", "LOCAL", "REMOTE", "INTERFACE"};
  else if (report.by == kByContainer)
    row = {"CONTAINER", "POD", "FLOWS"};
  else
    row = {"PID", "COMMAND", "CONTAINER", "FLOWS"};
  for (const auto* name : {"SENT", "RECEIVED", "PACKETS/S", "RETRANS", "DROPS"})
    row.emplace_back(name);
  if (report.by == kByFlow) row.insert(row.end(), {"PROCESS", "REMOTE PROCESS"});
  return row;
}

TextTable::Row cells(const TopRow& entry, const TopReport& report) {
  const std::string flows = count_text(static_cast<double>(entry.flows));
  TextTable::Row row;
  if (report.by == kByFlow)
    row = {entry.protocol, entry.local, entry.remote,
           entry.interface.empty() ? "-" : entry.interface};
  else if (report.by == kByContainer)
    row = {container_text(entry.container), entry.pod.empty() ? "-" : entry.pod, flows};
  else
    row = {entry.pid == 0 ? "-" : std::to_string(entry.pid),
           entry.pid == 0 ? "(not known)" : entry.comm, pod_or_container_text(entry), flows};
  row.insert(row.end(),
             {rate_text(entry.sent_bytes, report), rate_text(entry.received_bytes, report),
              count_text(entry.packets_per_second), trouble_text(entry.retransmissions, report),
              trouble_text(entry.drops, report)});
  if (report.by == kByFlow)
    row.insert(row.end(), {process_text(entry.pid, entry.comm),
                           process_text(entry.remote_pid, entry.remote_comm)});
  return row;
}

std::string counts_text(const TopCounts& counts, const TopReport& report) {
  return fmt::format("{} packets/s, {}, {} retransmissions, {} drops, {} resets",
                     count_text(counts.packets_per_second), rate_text(counts.bytes, report),
                     trouble_text(counts.retransmissions, report),
                     trouble_text(counts.drops, report), trouble_text(counts.resets, report));
}

}  // namespace

std::string top_table(const TopReport& report) {
  std::string text =
      fmt::format("{} flow{} in {} until {}\n", report.flows, report.flows == 1 ? "" : "s",
                  format_duration(report.window), time_text(report.to));
  text += fmt::format("total: {}\n", counts_text(report.total, report));
  if (report.other.packets != 0 || report.other.drops != 0 || report.other.retransmissions != 0)
    text += fmt::format("not shown: {}\n", counts_text(report.other, report));
  for (const auto& note : report.notes)
    text += fmt::format("note: {}\n", note);
  TextTable table(heading(report));
  for (const TopRow& row : report.rows)
    table.add(cells(row, report));
  return text + "\n" + table.text();
}

}  // namespace caprock::api
