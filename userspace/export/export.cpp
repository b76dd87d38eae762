// SPDX-License-Identifier: Apache-2.0
#include "export/export.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/clock.hpp"
#include "export/event_lines.hpp"
#include "export/file_frame.hpp"
#include "export/flow_owners.hpp"
#include "export/missing_parts.hpp"
#include "export/name_reader.hpp"
#include "export/named_stream.hpp"
#include "export/pcap_filter.hpp"
#include "export/process_notes.hpp"
#include "export/pump.hpp"
#include "store/window.hpp"

namespace caprock::exporting {
namespace {

ExportReport make_report(const Pump& pump, const store::Window& window) {
  const Figures& figures = pump.figures();
  ExportReport report{figures.packets,  pump.written_bytes(), figures.dropped,
                      figures.first_ns, figures.last_ns,      window.skipped()};
  if (figures.unknown_interface != 0) {
    report.skipped.push_back(
        fmt::format("packets left out because their interface is not described: {}",
                    figures.unknown_interface));
  }
  return report;
}

Result<ExportReport> export_lines(const store::RingView& view, ExportOptions options, Sink& sink) {
  EventLines lines(sink);
  options.format = Format::kPcapng;
  options.packets = false;
  auto report = export_window(view, options, lines);
  if (report) report->bytes = lines.written_bytes();
  return report;
}

Result<ExportReport> export_with_processes(const store::RingView& view, ExportOptions options,
                                           Sink& sink) {
  auto owners = FlowOwners::read(view, options.from_ns, options.to_ns);
  if (!owners) return std::move(owners).error();
  ProcessNotes notes(*std::move(owners), sink);
  options.processes = false;
  auto report = export_window(view, options, notes);
  if (report) report->bytes = notes.written_bytes();
  return report;
}

Result<ExportReport> export_with_names(const store::RingView& view, ExportOptions options,
                                       Sink& sink) {
  auto names = NameReader::open(view, options.from_ns, options.to_ns);
  if (!names) return std::move(names).error();
  NamedStream named(names->history().namings(options.from_ns, options.to_ns), sink);
  options.names = false;
  auto report = export_window(view, options, named);
  if (report) report->bytes = named.written_bytes();
  return report;
}

}  // namespace

Result<Format> parse_format(std::string_view name) {
  if (name == "pcapng") return Format::kPcapng;
  if (name == "pcap") return Format::kPcap;
  if (name == "pcap-ns") return Format::kPcapNs;
  if (name == "json") return Format::kJson;
  return Error(fmt::format("unknown format \"{}\": use pcapng, pcap, pcap-ns or json", name));
}

Status check(const ExportOptions& options) {
  const bool classic = options.format == Format::kPcap || options.format == Format::kPcapNs;
  if (options.processes && options.format != Format::kPcapng)
    return Error("processes are put on packets in pcapng alone: leave the format out");
  if (!options.packets && classic)
    return Error("a pcap holds packets alone: events alone are pcapng or json");
  if (!options.events && options.format == Format::kJson)
    return Error("json is the events, which are left out: use another format");
  if (!options.filter.empty() && (!options.packets || options.format == Format::kJson))
    return Error("a filter chooses among packets, and events alone are wanted: leave it out");
  return {};
}

Result<ExportReport> export_window(const store::RingView& view, const ExportOptions& options,
                                   Sink& sink) {
  if (auto possible = check(options); !possible) return std::move(possible).error();
  if (options.format == Format::kJson) return export_lines(view, options, sink);
  if (options.processes) return export_with_processes(view, options, sink);
  if (options.names && options.packets && options.format == Format::kPcapng)
    return export_with_names(view, options, sink);
  auto filter = PcapFilter::compile(options.filter);
  if (!filter) return std::move(filter).error();
  auto window = store::Window::open(view, {options.from_ns, options.to_ns});
  if (!window) return std::move(window).error();
  Pump pump(view,
            {.filter = *std::move(filter),
             .format = options.format,
             .snaplen = options.snaplen,
             .packets = options.packets,
             .events = options.events},
            options.interface_prefix, sink);
  if (auto begun = pump.begin(window->segments()); !begun) return std::move(begun).error();
  if (auto drained = pump.drain_in_parallel(*window); !drained) return std::move(drained).error();
  ExportReport report = make_report(pump, *window);
  if (options.format == Format::kPcapng) {
    if (auto told = tell_missing(pump, report.skipped, std::min(options.to_ns, wall_ns())); !told)
      return std::move(told).error();
    if (auto ended = pump.write(statistics_blocks(pump.figures())); !ended)
      return std::move(ended).error();
    report.bytes = pump.written_bytes();
  }
  return report;
}

}  // namespace caprock::exporting
