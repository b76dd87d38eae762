// SPDX-License-Identifier: Apache-2.0
// The status for people: a summary, tables of interfaces and lanes, what needs attention.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "api/count_text.hpp"
#include "api/severity.hpp"
#include "api/status.hpp"
#include "api/text_table.hpp"

namespace caprock::api {
namespace {

using Lines = std::back_insert_iterator<std::string>;

template <class... Args>
void line(Lines out, std::string_view name, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(out, "{:<16}{}\n", name, fmt::format(format, std::forward<Args>(args)...));
}

/// To the second: who needs nanoseconds takes the JSON.
std::string time_text(Time time) {
  return format_time(time.ns - time.ns % 1'000'000'000);
}

std::string age_text(Time time, Time now) {
  if (time == Time{}) return "nothing yet";
  return format_duration(Nanoseconds(std::max<std::int64_t>(now.ns - time.ns, 0))) + " ago";
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string capture_text(const CaptureStatus& capture) {
  if (!capture.enabled) return "off (tap.capture.raw.enabled: false); the ring stays readable";
  return fmt::format("on, {}, {} of {}{}", capture.hook, capture.transport,
                     format_size(capture.stage_bytes),
                     capture.resumed ? ", taken over without a gap" : "");
}

std::string history_text(const RingStatus& ring) {
  if (ring.oldest == Time{}) return "nothing recorded yet";
  auto text = fmt::format("{}, {} to {}", format_duration(ring.history), time_text(ring.oldest),
                          time_text(ring.newest));
  if (ring.history_at_present_rate > Nanoseconds(0))
    text += fmt::format("; a full ring holds {} at the present rate",
                        format_duration(ring.history_at_present_rate));
  return text;
}

void summary(const AgentStatus& status, Lines out) {
  const auto& [rates, loss, ring] = std::tie(status.rates, status.loss, status.ring);
  line(out, "agent", "caprock {} on {}, pid {}, up {}", status.version, status.node, status.pid,
       format_duration(status.uptime));
  line(out, "capture", "{}", capture_text(status.capture));
  if (const auto& kubernetes = status.kubernetes; kubernetes.enabled)
    line(out, "kubernetes", "node {}, {} of {} pods are targets", kubernetes.node,
         kubernetes.targets, kubernetes.pods);
  line(out, "rate", "{} packets/s, {}/s", count_text(rates.packets_per_second),
       format_size(static_cast<std::uint64_t>(rates.bytes_per_second)));
  line(out, "lost", "{} since start, {} in the last minute, {} in all; {} shortened",
       loss.since_start, loss.last_minute, loss.total, loss.truncated_since_start);
  line(out, "ring", "{}, {} of {} used ({:.0f} %), lap {}", ring.path, format_size(ring.used_bytes),
       format_size(ring.size_bytes), percent(ring.used_bytes, ring.size_bytes), ring.laps + 1);
  line(out, "history", "{}", history_text(ring));
  line(out, "complete until", "{}", age_text(ring.complete_until, status.now));
  line(out, "durable until", "{}", age_text(ring.durable_until, status.now));
}

/// What is wrong with it, or whose it is: every pod has a "lo".
std::string note_on(const InterfaceStatus& interface) {
  if (!interface.error.empty()) return interface.error;
  return interface.description.starts_with("pod ") ? interface.description : "";
}

void interfaces(const std::vector<InterfaceStatus>& list, Lines out) {
  TextTable table({"INTERFACE", "HOOK", "IN", "OUT", "LOST", "FILTERED", "NOT L4", "NOTE"});
  for (const auto& interface : list) {
    const auto& in = interface.ingress;
    const auto& eg = interface.egress;
    const auto sum = [&](auto member) {
      return count_text(static_cast<double>(in.*member + eg.*member));
    };
    table.add({interface.name, interface.hook.empty() ? "-" : interface.hook,
               count_text(static_cast<double>(in.written)),
               count_text(static_cast<double>(eg.written)), sum(&capture_counters::lost),
               sum(&capture_counters::filtered), sum(&capture_counters::not_l4),
               note_on(interface)});
  }
  fmt::format_to(out, "\n{}", table.text());
}

void lanes(const std::vector<LaneStatus>& list, Lines out) {
  TextTable table({"LANE", "CPUS", "BYTES", "LAG", "STAGE USED"});
  for (const auto& lane : list)
    table.add({std::to_string(lane.index), fmt::format("{}", fmt::join(lane.cpus, ",")),
               format_size(lane.bytes), format_duration(lane.lag),
               fmt::format("{:.0f} %", percent(lane.stage_used_bytes, lane.stage_capacity_bytes))});
  fmt::format_to(out, "\n{}", table.text());
}

void events(const std::vector<EventStatus>& list, Lines out) {
  TextTable table({"EVENT", "HOOK", "RECORDED", "SUPPRESSED", "LOST", "NOTE"});
  for (const auto& event : list)
    table.add({event.name, event.hook.empty() ? "-" : event.hook,
               count_text(static_cast<double>(event.recorded)),
               count_text(static_cast<double>(event.suppressed)),
               count_text(static_cast<double>(event.lost)), event.note});
  fmt::format_to(out, "\n{}", table.text());
}

void attention(const AgentStatus& status, Lines out) {
  for (const auto& finding : status.findings)
    if (finding.severity >= Severity::kWarning)
      fmt::format_to(out, "{}: {}: {}; {}\n", severity_name(finding.severity), finding.found,
                     finding.consequence, finding.remedy);
  for (const auto& error : status.errors)
    fmt::format_to(out, "error: {} ({} times, last {})\n", error.message, error.count,
                   age_text(Time{error.last_ns}, status.now));
  if (!status.config.reload_error.empty())
    fmt::format_to(out, "configuration: the old one stays in force: {}\n",
                   status.config.reload_error);
  for (const auto& note : status.config.notes)
    fmt::format_to(out, "note: {}\n", note);
  for (const auto& resource : status.kubernetes.resources)
    if (!resource.error.empty())
      fmt::format_to(out, "kubernetes: {}: {}\n", resource.name, resource.error);
  for (const auto& note : status.kubernetes.notes)
    fmt::format_to(out, "kubernetes: {}\n", note);
  for (const auto& note : status.ring.recovery)
    fmt::format_to(out, "recovery: {}\n", note);
}

}  // namespace

std::string status_table(const AgentStatus& status) {
  std::string text;
  const Lines out(text);
  summary(status, out);
  if (!status.interfaces.empty()) interfaces(status.interfaces, out);
  if (!status.lanes.empty()) lanes(status.lanes, out);
  if (!status.events.empty()) events(status.events, out);
  std::string notes;
  attention(status, Lines(notes));
  return notes.empty() ? text : text + "\n" + notes;
}

std::string status_line(const AgentStatus& status) {
  const auto& ring = status.ring;
  return fmt::format("{} packets/s  {}/s  lost {}  history {}  ring {:.0f} % of {}",
                     count_text(status.rates.packets_per_second),
                     format_size(static_cast<std::uint64_t>(status.rates.bytes_per_second)),
                     status.loss.since_start, format_duration(ring.history),
                     percent(ring.used_bytes, ring.size_bytes), format_size(ring.size_bytes));
}

}  // namespace caprock::api
